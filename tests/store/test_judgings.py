"""The queue: order, caps, leases and fences, one at a time."""

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from api.errors import Problem
from api.store import judgings, submissions
from api.store.sweep import SweepCounts, Sweeps, sweep
from api.store.tables import Attempt, Event, Judging, Outbox, Outcome, State, VerdictRow
from challenges.report import Verdict
from tests.store.world import LEASE, World, report


class Bell:
    def __init__(self) -> None:
        self.rung = 0

    def ring(self) -> None:
        self.rung += 1


def swept(world: World, bell: Bell | None = None) -> SweepCounts:
    return sweep(world.store, retry_base_seconds=2, max_strikes=3, max_attempts=10, ring=(bell or Bell()).ring)


def attempts(world: World) -> list[Attempt]:
    with world.store.read() as session:
        return list(session.exec(select(Attempt).order_by(col(Attempt.id))))


def test_claimed_in_the_order_of_receipt(world: World) -> None:
    sent = [world.submit(name) for name in ("ann", "ben", "cid")]
    assert [world.claimed().submission_id for _ in sent] == sent
    assert world.claim() is None


def test_received_in_the_same_millisecond_the_first_is_first(world: World) -> None:
    world.person("ann")
    world.person("ben")
    sent = []
    for name in ("ben", "ann"):
        world.clock.tick(-1)
        sent.append(world.submit(name))
    assert [world.claimed().submission_id for _ in sent] == sent


def test_a_claim_says_what_to_judge(world: World) -> None:
    sent = world.submit("ann", "beta", digest="a" * 64)
    claim = world.claimed("worker-7")
    assert (claim.submission_id, claim.challenge, claim.version, claim.digest) == (sent, "beta", "v1", "a" * 64)
    assert (claim.epoch, claim.attempts, claim.strikes) == (1, 1, 0)
    view = world.state(sent)
    assert (view.state, view.stage, view.queue_position) == (State.running, "preparing", None)
    (attempt,) = attempts(world)
    assert (attempt.worker, attempt.epoch, attempt.ended_at, attempt.outcome) == ("worker-7", 1, None, None)


def test_one_running_per_entry_and_challenge(world: World) -> None:
    world.submit("ann", "alpha")
    second = world.submit("ann", "alpha")
    other_challenge = world.submit("ann", "beta")
    other_person = world.submit("ben", "alpha")
    first = world.claimed()
    assert world.claimed().submission_id == other_person
    assert world.claimed().submission_id == other_challenge
    assert world.claim() is None
    assert judgings.runnable(world.store) == 0
    assert judgings.commit(world.store, first, report(80), evidence={})
    assert judgings.runnable(world.store) == 1
    assert world.claimed().submission_id == second


def test_renew_tells_what_is_still_ours(world: World) -> None:
    world.submit("ann")
    world.submit("ben")
    mine, lost = world.claimed("me"), world.claimed("me")
    world.clock.tick(LEASE - 1)
    assert judgings.renew(world.store, worker="me", held=[(mine.judging_id, mine.epoch)], lease_seconds=LEASE) == {
        mine.judging_id
    }
    world.clock.tick(2)
    assert swept(world).expired == 1
    held = [(mine.judging_id, mine.epoch), (lost.judging_id, lost.epoch)]
    assert judgings.renew(world.store, worker="me", held=held, lease_seconds=LEASE) == {mine.judging_id}
    assert judgings.renew(world.store, worker="other", held=held, lease_seconds=LEASE) == set()
    assert judgings.renew(world.store, worker="me", held=[], lease_seconds=LEASE) == set()


def test_an_expired_lease_goes_back_with_a_strike_and_a_pause(world: World) -> None:
    sent = world.submit("ann")
    stale = world.claimed()
    world.clock.tick(LEASE - 1)
    assert swept(world).expired == 0
    world.clock.tick(2)
    assert swept(world).expired == 1
    assert world.claim() is None  # 2 s * 2^1
    assert judgings.next_not_before(world.store) is not None
    world.clock.tick(4)
    fresh = world.claimed()
    assert (fresh.submission_id, fresh.epoch > stale.epoch, fresh.strikes, fresh.attempts) == (sent, True, 1, 2)
    assert not judgings.set_stage(world.store, stale, "running")
    assert not judgings.commit(world.store, stale, report(0), evidence={})
    assert world.state(sent).verdict is None
    assert judgings.commit(world.store, fresh, report(100), evidence={})
    assert world.state(sent).score == 100
    assert [attempt.outcome for attempt in attempts(world)] == [Outcome.expired, Outcome.committed]


@pytest.mark.parametrize("alive", [False, True])
def test_only_the_death_of_its_worker_is_a_strike(world: World, alive: bool) -> None:
    world.submit("ann")
    world.claimed("w")
    world.clock.tick(LEASE + 1)
    if alive:  # it could not renew in time, as when the database was away, but is there
        judgings.renew(world.store, worker="w", held=[], lease_seconds=LEASE)
    assert swept(world).expired == 1
    (attempt,) = attempts(world)
    assert (attempt.outcome, attempt.struck) == (Outcome.expired, not alive)


@pytest.mark.fault("F11")
def test_after_an_outage_workers_have_time_to_renew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.submit("ann")
    world.claimed()
    world.clock.tick(LEASE + 1)
    seconds = 0.0
    sweeps = Sweeps(
        world.store,
        lease_seconds=LEASE,
        renew_seconds=10,
        retry_base_seconds=2,
        max_strikes=3,
        max_attempts=10,
        ring=Bell().ring,
        clock=lambda: seconds,
    )

    def passes_until_expired() -> list[float]:
        nonlocal seconds
        at: list[float] = []
        while not sweeps.once().expired:
            at.append(seconds)
            seconds += 5
        return at

    assert passes_until_expired()[-1] == 10, "a process that has just begun waits, too"
    world.clock.tick(60)
    world.claimed()
    world.clock.tick(LEASE + 1)

    def away() -> None:
        raise OperationalError("select", {}, Exception("away"))

    with monkeypatch.context() as patched:
        patched.setattr(world.store, "read", away)
        for _ in range(3):
            with pytest.raises(OperationalError):
                sweeps.once()
            seconds += 100
    back = seconds
    assert passes_until_expired()[-1] == back + 10
    assert sweeps.once().expired == 0


def test_a_late_commit_counts_while_nobody_else_has_taken_the_work(world: World) -> None:
    world.submit("ann")
    claim = world.claimed()
    world.clock.tick(LEASE * 10)
    assert judgings.commit(world.store, claim, report(90), evidence={})


def test_commit_may_be_repeated_and_writes_once(world: World) -> None:
    sent = world.submit("ann")
    claim = world.claimed()
    assert judgings.commit(world.store, claim, report(90), evidence={"nonce": "x"})
    assert judgings.commit(world.store, claim, report(10), evidence={})
    assert world.state(sent).score == 90
    with world.store.read() as session:
        assert len(session.exec(select(VerdictRow)).all()) == 1
    assert attempts(world)[0].evidence == {"nonce": "x"}


def test_three_strikes_are_judge_error(world: World) -> None:
    sent = world.submit("ann")
    for _ in range(3):
        world.clock.tick(600)
        claim = world.claimed()
        world.clock.tick(LEASE + 1)
        assert swept(world).expired == 1
    view = world.state(sent)
    assert (view.state, view.verdict, view.score, view.attempts) == (State.done, "judge_error", None, 3)
    world.clock.tick(600)
    assert world.claim() is None
    assert not judgings.commit(world.store, claim, report(100), evidence={})
    assert len(_events(world, "gave_up")) == 1


def test_ten_attempts_are_judge_error_without_a_strike(world: World) -> None:
    sent = world.submit("ann")
    for number in range(10):
        assert world.state(sent).state is State.queued, number
        assert judgings.give_back(world.store, world.claimed(), reason="engine restarted", delay_seconds=0)
    view = world.state(sent)
    assert (view.verdict, view.attempts) == ("judge_error", 10)
    assert world.claim() is None


def test_give_back_waits_and_bumps_the_epoch(world: World) -> None:
    sent = world.submit("ann")
    claim = world.claimed()
    assert judgings.give_back(world.store, claim, reason="stopping", delay_seconds=3)
    assert not judgings.give_back(world.store, claim, reason="again", delay_seconds=3)
    assert not judgings.commit(world.store, claim, report(50), evidence={})
    assert world.claim() is None
    world.clock.tick(3)
    assert world.claimed().submission_id == sent
    assert attempts(world)[0].reason == "stopping"


def test_a_suspect_runs_alone(world: World) -> None:
    suspect = world.submit("ann")
    claim = world.claimed("w1")
    assert judgings.give_back(world.store, claim, reason="worker died", delay_seconds=0, strike=True)
    for name in ("ben", "cid", "dan"):
        world.submit(name)
    busy = world.claimed("w1")
    assert busy.submission_id == suspect  # it is first, and w1 was free
    assert world.claim("w1") is None, "beside a suspect nothing is claimed"
    other = world.claimed("w2")
    assert other.submission_id != suspect
    assert judgings.give_back(world.store, busy, reason="again", delay_seconds=0, strike=True)
    assert world.claimed("w2").submission_id != suspect, "a busy worker leaves the suspect alone"


def test_a_suspect_is_not_starved_by_a_worker_that_is_always_busy(world: World) -> None:
    suspect = world.submit("ann")
    assert judgings.give_back(world.store, world.claimed(), reason="x", delay_seconds=5, strike=True)
    for name in ("ben", "cid", "dan"):
        world.submit(name)
    first = world.claimed()
    assert first.submission_id != suspect
    world.clock.tick(judgings.ALONE_AFTER_SECONDS + 10)
    assert world.claim() is None, "it finishes what it holds first"
    assert judgings.commit(world.store, first, report(1), evidence={})
    assert world.claimed().submission_id == suspect


def test_a_worker_that_comes_back_did_not_die(world: World) -> None:
    sent = world.submit("ann")
    for _ in range(4):  # more often than strikes are forgiven for the dead
        world.clock.tick(100)
        claim = world.claimed()
        world.clock.tick(LEASE + 1)
        assert swept(world).expired == 1
        assert not judgings.give_back(world.store, claim, reason="lost the database", delay_seconds=0)
        assert not judgings.give_back(world.store, claim, reason="told twice", delay_seconds=0)
    view = world.state(sent)
    assert (view.state, view.verdict, view.attempts) == (State.queued, None, 4)


def test_stages_are_told_to_the_owner(world: World) -> None:
    sent = world.submit("ann")
    claim = world.claimed()
    for stage in ("running", "scoring"):
        assert judgings.set_stage(world.store, claim, stage)
        assert world.state(sent).stage == stage
    with pytest.raises(ValueError, match="dancing"):
        judgings.set_stage(world.store, claim, "dancing")
    assert judgings.commit(world.store, claim, report(70), evidence={})
    told = [(row.payload["state"], row.payload["stage"]) for row in _events(world, "submission")]
    assert told == [
        ("queued", None),
        ("running", "preparing"),
        ("running", "running"),
        ("running", "scoring"),
        ("done", None),
    ]


@pytest.mark.parametrize("running", [False, True])
def test_cancelled_work_cannot_commit(world: World, running: bool) -> None:
    sent = world.submit("ann")
    claim = world.claimed() if running else None
    submissions.cancel(world.store, sent, owner=world.ids["ann"], by=world.ids["ann"])
    submissions.cancel(world.store, sent, owner=world.ids["ann"], by=world.ids["ann"])
    assert world.state(sent).state is State.cancelled
    assert world.claim() is None
    if claim is not None:
        assert not judgings.commit(world.store, claim, report(100), evidence={})
        assert (
            judgings.renew(world.store, worker="w", held=[(claim.judging_id, claim.epoch)], lease_seconds=LEASE)
            == set()
        )
        assert attempts(world)[0].outcome is Outcome.cancelled
    assert world.state(sent).verdict is None


def test_done_is_not_cancelled(world: World) -> None:
    sent = world.submit("ann")
    world.judge(report(100))
    with pytest.raises(Problem, match="already_done"):
        submissions.cancel(world.store, sent, owner=world.ids["ann"], by=world.ids["ann"])


def test_a_graders_fault_costs_nobody_anything(world: World) -> None:
    sent = world.submit("ann")
    world.judge(report(None, verdict=Verdict.judge_error))
    assert world.state(sent).score is None
    assert len(_events(world, "judge_error")) == 1


def test_the_outbox_is_empty_once_the_work_is_claimed(world: World) -> None:
    world.submit("ann")
    assert _owed(world) == 1
    world.claimed()
    assert _owed(world) == 0


def test_the_sweep_rings_for_what_nobody_took(world: World) -> None:
    bell = Bell()
    world.submit("ann")
    assert swept(world, bell) == SweepCounts(0, 0, 1)
    assert bell.rung == 0, "the first ring is still on its way"
    world.clock.tick(3)
    assert swept(world, bell) == SweepCounts(0, 1, 1)
    assert bell.rung == 1
    assert _owed(world) == 0
    assert swept(world, bell).runnable == 1
    assert bell.rung == 1, "nobody works, so nobody is rung for"
    judgings.renew(world.store, worker="w", held=[], lease_seconds=LEASE, slots=2)
    swept(world, bell)
    assert bell.rung == 2, "an idle worker is"
    world.claimed("w")
    swept(world, bell)
    assert bell.rung == 2


def test_ages_and_counts(world: World) -> None:
    assert (judgings.runnable(world.store), judgings.oldest_runnable_age(world.store)) == (0, 0.0)
    assert judgings.next_not_before(world.store) is None
    world.submit("ann")
    world.submit("ben")
    world.clock.tick(9)
    assert (judgings.runnable(world.store), judgings.oldest_runnable_age(world.store)) == (2, 10.0)


def _events(world: World, kind: str) -> list[Event]:
    with world.store.read() as session:
        return list(session.exec(select(Event).where(Event.kind == kind).order_by(col(Event.id))))


def _owed(world: World) -> int:
    with world.store.read() as session:
        assert session.exec(select(Judging)).first() is not None
        return len(session.exec(select(Outbox)).all())
