"""The auditor: silent about whatever the store itself does, and loud about each thing that must not be."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, delete, select, update

from api.store import builds, invariants, judgings, submissions, sweep, workers
from api.store.tables import Attempt, Audience, Event, Judging, Outcome, Standing, State, Submission, VerdictRow
from challenges.report import Verdict
from tests.store.world import World, report


def breaches(
    world: World, intact: Callable[[str], bool] = lambda _: True, hidden: Callable[[str], bool] | None = None
) -> dict[str, list[str]]:
    """What was found, by invariant; invariants that hold are left out."""
    found = invariants.audit(world.store, intact, hidden)
    assert list(found) == list(invariants.TITLES)
    assert all(one.invariant == name for name, listed in found.items() for one in listed)
    return {name: [f"{one.subject} {one.what}" for one in listed] for name, listed in found.items() if listed}


def busy(world: World) -> list[str]:
    """Submissions that are done, ended with judge_error, are cancelled, run after they were given back, and two that wait."""
    ids = [world.submit("ann", "alpha"), world.submit("ben", "alpha")]
    world.judge(report(80))
    world.judge(report(None, verdict=Verdict.judge_error))
    ids.append(world.submit("ann", "beta"))
    submissions.cancel(world.store, ids[-1], owner=None, by=world.ids["ann"])
    ids.append(world.submit("ben", "beta"))
    claim = world.claimed()
    assert judgings.give_back(world.store, claim, reason="the engine", delay_seconds=1)
    world.clock.tick(2)
    ids.append(world.submit("cid", "alpha"))
    world.claimed()
    ids.append(world.submit("dan", "alpha"))
    return ids


def change(world: World, act: Callable[[Session], Any]) -> None:
    with world.store.write() as session:
        act(session)


def test_nothing_is_wrong_with_an_installation_of_nobody_nor_with_one_at_work(world: World) -> None:
    assert breaches(world) == {}
    busy(world)
    assert breaches(world) == {}


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_wrong_whatever_the_store_does(world: World, seed: int) -> None:
    rng = random.Random(seed)
    claims: list[judgings.Claim] = []
    for _ in range(120):
        world.clock.tick(rng.choice([0.1, 1, 5]))
        act = rng.randrange(7)
        if act <= 1:
            world.submit(rng.choice("abcdef"), rng.choice(["alpha", "beta"]))
        elif act == 2 and (claim := world.claim(rng.choice("vw"))) is not None:
            claims.append(claim)
        elif act == 3 and claims:
            score = rng.choice([None, 10.0, 70.0, 100.0])
            judgings.commit(world.store, claims.pop(rng.randrange(len(claims))), report(score), evidence={})
        elif act == 4 and claims:
            claim = claims.pop()
            judgings.give_back(
                world.store, claim, reason="x", delay_seconds=rng.choice([0, 9]), strike=rng.random() < 0.5
            )
        elif act == 5:
            world.clock.tick(rng.choice([0, 60]))
            sweep.sweep(world.store, ring=lambda: None)
        else:
            with world.store.read() as session:
                found = session.exec(select(Judging.submission_id).where(col(Judging.ended_at).is_(None))).all()
            if found and rng.random() < 0.3:
                submissions.cancel(world.store, rng.choice(found), owner=None, by=world.ids["staff"])
    sweep.sweep(world.store, ring=lambda: None)
    assert breaches(world) == {}


def test_files_that_are_gone_or_a_receipt_about_something_else(world: World) -> None:
    first, second = world.submit("ann", digest="a" * 64), world.submit("ben", digest="b" * 64)
    assert breaches(world, lambda digest: digest[0] == "a") == {
        "I1": [f"{second} its files {'b' * 64} are missing or damaged"]
    }
    change(
        world, lambda session: session.exec(update(Submission).where(col(Submission.id) == first).values(receipt={}))
    )
    assert breaches(world) == {"I1": [f"{first} its receipt is about something else"]}


def test_data_of_a_challenge_that_are_gone(world: World) -> None:
    public, hidden = "a" * 64, "b" * 64
    builds.record(world.store, "alpha", "v1", 0, public, hidden)
    assert breaches(world, lambda digest: digest == public) == {}
    assert breaches(world, lambda digest: digest == public, lambda digest: digest == hidden) == {}
    assert breaches(world, lambda _: False, lambda _: False) == {
        "I1": [
            f"alpha its public data {public} are missing or damaged",
            f"alpha its hidden data {hidden} are missing or damaged",
        ]
    }


def test_a_verdict_too_few_and_one_too_many(world: World) -> None:
    first, error, *_, queued = busy(world)
    change(world, lambda session: session.exec(delete(Event).where(col(Event.kind) == "judge_error")))
    assert breaches(world) == {"I2": [f"{error} ended with judge_error, and no operator was told"]}

    def move(session: Session) -> None:
        judging = {one.submission_id: one.id for one in session.exec(select(Judging))}
        mine = col(VerdictRow.judging_id) == judging[first]
        session.exec(update(VerdictRow).where(mine).values(judging_id=judging[queued], epoch=0))

    change(world, move)
    found = breaches(world)
    assert set(found["I2"]) >= {f"{first} is done and has 0 verdicts", f"{queued} is queued and has 1 verdicts"}
    assert "I6" not in found or found["I6"]


def test_no_judging_that_counts(world: World) -> None:
    first, *_ = busy(world)
    change(world, lambda session: session.exec(update(Judging).where(_of(first)).values(effective=False)))
    assert f"{first} has 0 judgings that count, not one" in breaches(world)["I2"]


def _of(submission_id: str) -> Any:
    return col(Judging.submission_id) == submission_id


def test_a_verdict_of_an_older_attempt(world: World) -> None:
    first, *_ = busy(world)
    change(world, lambda session: session.exec(update(Judging).where(_of(first)).values(epoch=9)))
    assert breaches(world) == {"I3": [f"{first} its verdict is of epoch 1, the judging is at 9"]}


def test_attempts_that_do_not_end_or_are_not_there(world: World) -> None:
    first, _, _, running, *_ = busy(world)

    def spoil(session: Session) -> None:
        judging = {one.submission_id: one.id for one in session.exec(select(Judging))}
        of = col(Attempt.judging_id)
        session.exec(update(Attempt).where(of == judging[first]).values(outcome=None, ended_at=None))
        session.exec(delete(Attempt).where(of == judging[running]))

    change(world, spoil)
    assert breaches(world) == {
        "I3": [f"{first} attempt 1 has no end, though nothing runs", f"{running} runs without an attempt"]
    }


def test_two_committed_attempts_and_one_that_is_ahead(world: World) -> None:
    first, *_ = busy(world)

    def add(session: Session) -> None:
        judging = session.exec(select(Judging).where(_of(first))).one()
        assert judging.id is not None
        now = world.clock.now
        more = Attempt(judging_id=judging.id, epoch=7, worker="w", started_at=now, ended_at=now)
        more.outcome = Outcome.committed
        session.add(more)

    change(world, add)
    assert breaches(world) == {
        "I3": [
            f"{first} attempt 7 is later than the judging itself",
            f"{first} 2 attempts of one judging were committed",
        ]
    }


def test_a_judges_own_failure_with_a_score(world: World) -> None:
    _, error, *_ = busy(world)
    change(
        world,
        lambda session: session.exec(
            update(VerdictRow).where(col(VerdictRow.verdict) == Verdict.judge_error.value).values(score=0.0)
        ),
    )
    assert breaches(world) == {"I5": [f"{error} ended with judge_error and has a score"]}


def test_a_board_that_verdicts_do_not_give(world: World) -> None:
    busy(world)
    change(world, lambda session: session.exec(update(Standing).where(col(Standing.points) > 0).values(points=1.0)))
    assert list(breaches(world)) == ["I6"]


def test_states_that_nobody_was_told_of_or_that_must_not_follow(world: World) -> None:
    ids = busy(world)
    change(world, lambda session: session.exec(update(Judging).where(_of(ids[5])).values(state=State.cancelled)))
    assert breaches(world) == {"I8": [f"{ids[5]} is cancelled, and nobody was told"]}

    def again(session: Session) -> None:
        session.add(
            Event(
                at=world.clock.now,
                audience=Audience.owner,
                kind="submission",
                submission_id=ids[0],
                payload={"id": ids[0], "state": "running"},
            )
        )

    change(world, again)
    assert f"{ids[0]} went from done to running" in breaches(world)["I8"]


def test_a_time_of_receipt_that_was_changed(world: World) -> None:
    first, second, *_ = busy(world)
    later = world.clock.now + timedelta(hours=1)
    change(world, lambda session: session.exec(update(Judging).where(_of(first)).values(received_at=later)))
    (told,) = breaches(world)["I9"]
    assert told.startswith(f"{first} was received at ")
    change(
        world,
        lambda session: session.exec(update(Submission).where(col(Submission.id) == second).values(received_at=later)),
    )
    assert any(one.startswith(f"{second} its receipt says ") for one in breaches(world)["I9"])


def test_a_lease_that_nobody_swept_and_work_that_nobody_takes(world: World) -> None:
    _, _, _, running, *_ = busy(world)
    world.clock.tick(45 + invariants.STILL_SECONDS - 1)
    assert breaches(world) == {}
    world.clock.tick(2)
    (told,) = breaches(world)["I10"]
    assert told.startswith(f"{running} runs on a lease of w that ended at ")
    workers.heartbeat(world.store, "other", 2)
    told, still = breaches(world)["I10"]
    assert still.startswith("queue 1 slots are free, work waits since ")
    workers.heartbeat(world.store, "other", 2, info={workers.LACKS: {"alpha": "no image", "beta": "no image"}})
    assert breaches(world)["I10"] == [told]
    world.claimed("other")
    workers.heartbeat(world.store, "other", 5, info={})
    assert breaches(world)["I10"] == [told], "somebody took something a moment ago"


def test_it_changes_nothing(world: World) -> None:
    busy(world)

    def rows() -> list[Any]:
        with world.store.read() as session:
            tables = ("submission", "judging", "attempt", "verdict", "event", "outbox", "standing")
            return [session.execute(text(f"SELECT * FROM {one} ORDER BY 1")).all() for one in tables]

    before = rows()
    invariants.audit(world.store, lambda _: False, lambda _: False)
    assert rows() == before
