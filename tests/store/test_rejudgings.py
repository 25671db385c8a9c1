"""Rejudging as a set: nobody notices before it is applied, and then everything changes at once."""

from __future__ import annotations

import heapq
import random

import pytest
from sqlmodel import col, select

from api.errors import Problem
from api.store import erase, invariants, judgings, leaderboards, rejudgings, standings, submissions, workers
from api.store.judgings import Claim
from api.store.rejudgings import Selection
from api.store.tables import Event, Judging, Lane, RejudgingState, State, VerdictRow
from challenges.report import Verdict
from tests.databases import Databases
from tests.store.world import CHALLENGES, LEASE, World, report

VERSIONS = dict.fromkeys(CHALLENGES, "v2")


def begin(world: World, **selection: object) -> rejudgings.RejudgingView:
    chosen = Selection(**(selection or {"competition": "cup"}))  # type: ignore[arg-type]
    return rejudgings.create(world.store, chosen, versions=VERSIONS, reason="why", by=world.ids["staff"])


def refusal(world: World, **selection: object) -> str:
    with pytest.raises(Problem) as refused:
        begin(world, **selection)
    return refused.value.code.code


def rejudge(world: World, points: float | None, verdict: Verdict | None = None) -> str:
    claim = world.claimed()
    assert (claim.effective, claim.version) == (False, "v2")
    assert judgings.commit(world.store, claim, report(points, verdict=verdict), evidence={})
    return claim.submission_id


def seen(world: World, *names: str) -> object:
    """All that anybody but staff can see."""
    board = leaderboards.board(world.store, "cup")
    mine = [submissions.listed(world.store, owner=world.ids[name]).submissions for name in names]
    with world.store.read() as session:
        events = session.exec(select(Event.id).where(Event.kind != "judge_error")).all()
    return [board.rows, mine, list(events)]


def sound(world: World) -> None:
    found = invariants.audit(world.store, lambda _: True, None)
    assert not [one for listed in found.values() for one in listed]


def test_nothing_changes_before_it_is_applied_and_then_all_of_it(world: World) -> None:
    sent = [world.submit("ann"), world.submit("ben"), world.submit("cid")]
    for points in (80, 60, 40):
        world.judge(report(points))
    before = seen(world, "ann", "ben", "cid")
    made = begin(world)
    assert (made.total, made.judged, made.state) == (3, 0, RejudgingState.open)
    assert rejudge(world, 10) == sent[0]
    assert rejudge(world, 90) == sent[1]
    with pytest.raises(Problem) as early:
        rejudgings.apply(world.store, made.id, by=1)
    assert early.value.code.code == "not_judged_yet"
    assert rejudge(world, 40) == sent[2]
    assert seen(world, "ann", "ben", "cid") == before
    sound(world)

    preview = rejudgings.preview(world.store, made.id)
    told = [
        (one.entry, one.before.score, one.after.score, one.before.version, one.after.version) for one in preview.changes
    ]
    assert told == [("ann", 80, 10, "v1", "v2"), ("ben", 60, 90, "v1", "v2")], "cid's stays, and is not told"
    overall = {one.entry: (one.rank_before, one.rank_after) for one in preview.moves if one.challenge is None}
    assert overall == {"ann": (1, 3), "ben": (2, 1), "cid": (3, 2)}
    assert {one.challenge for one in preview.moves} == {None, "alpha"}

    after = rejudgings.apply(world.store, made.id, by=world.ids["staff"])
    assert (after.state, after.judged) == (RejudgingState.applied, 3)
    assert [row.name for row in leaderboards.board(world.store, "cup").rows] == ["ben", "cid", "ann"]
    assert [world.state(one).verdict for one in sent] == ["wrong_answer", "accepted", "wrong_answer"]
    with world.store.read() as session:
        heard = session.exec(select(Event.submission_id).where(Event.kind == "rejudged").order_by(col(Event.id))).all()
        assert list(heard) == sent[:2]
        assert len(session.exec(select(VerdictRow)).all()) == 6, "what counted before is kept"
    sound(world)
    for act in (rejudgings.apply, rejudgings.drop):
        with pytest.raises(Problem) as over:
            act(world.store, made.id, by=1)
        assert over.value.code.code == "rejudging_over"


def test_dropped_it_was_never_there(world: World) -> None:
    for name in ("ann", "ben"):
        world.submit(name)
        world.judge(report(80))
    before = seen(world, "ann", "ben")
    made = begin(world)
    rejudge(world, 0)
    dropped = rejudgings.drop(world.store, made.id, by=world.ids["staff"])
    assert (dropped.state, dropped.judged, dropped.total) == (RejudgingState.dropped, 1, 2)
    assert world.claim() is None, "nothing of it is left in the queue"
    assert seen(world, "ann", "ben") == before
    assert begin(world).total == 2, "they may be chosen again"
    sound(world)


def test_what_the_judge_cannot_finish_keeps_its_verdict(world: World) -> None:
    sent = world.submit("ann")
    world.judge(report(80))
    made = begin(world)
    rejudge(world, None, Verdict.judge_error)
    assert rejudgings.find(world.store, made.id).failed == 1
    assert rejudgings.preview(world.store, made.id).changes == []
    rejudgings.apply(world.store, made.id, by=1)
    assert world.state(sent).verdict == "accepted"
    sound(world)


def test_a_submission_the_judge_failed_before_gets_its_verdict(world: World) -> None:
    sent = world.submit("ann")
    world.judge(report(None, verdict=Verdict.judge_error))
    world.submit("ben")
    world.judge(report(50))
    made = begin(world, verdicts=(Verdict.judge_error,))
    assert made.total == 1
    rejudge(world, 90)
    rejudgings.apply(world.store, made.id, by=1)
    assert world.state(sent).score == 90
    assert [row.name for row in leaderboards.board(world.store, "cup").rows] == ["ann", "ben"]
    sound(world)


def test_what_can_be_chosen(world: World) -> None:
    world.competition("other")
    world.person("ann", "cup", "other")
    for competition in ("cup", "other"):
        for challenge in ("alpha", "beta"):
            world.submit("ann", challenge, competition=competition)
            world.judge(report(80))
    waiting = world.submit("ann", "alpha", competition="cup")
    assert begin(world, competition="cup", challenge="alpha").total == 1
    assert refusal(world, competition="cup", challenge="alpha") == "invalid_request", "it is being rejudged"
    assert begin(world, challenge="alpha").total == 1
    assert begin(world, competition="other", verdicts=(Verdict.accepted,)).total == 1
    assert refusal(world, competition="cup", verdicts=(Verdict.time_limit,)) == "invalid_request"
    assert refusal(world, competition="nowhere") == "unknown_competition"
    assert refusal(world, challenge="nothing") == "unknown_challenge"
    assert refusal(world, verdicts=()) == "invalid_request"
    assert world.state(waiting).state is State.queued


def test_somebody_who_is_erased_leaves_every_rejudging(world: World) -> None:
    for name in ("ann", "ben"):
        world.submit(name)
        world.judge(report(80))
    made = begin(world)
    erase.person(world.store, world.ids["ann"], by=world.ids["staff"])
    rejudge(world, 50)
    assert rejudgings.apply(world.store, made.id, by=1).state is RejudgingState.applied
    sound(world)


def test_a_score_that_was_not_told_is_not_told_after_a_rejudging(world: World) -> None:
    world.submit("ann")
    world.judge(report(50), step=5)
    second = world.submit("ann")
    world.judge(report(52), step=5)
    assert world.state(second).withheld, "the control"
    made = begin(world)
    rejudge(world, 50)
    rejudge(world, 53)
    rejudgings.apply(world.store, made.id, by=1)
    assert world.state(second).withheld
    assert [row.points for row in leaderboards.board(world.store, "cup").rows] == [50]
    sound(world)


def test_rejudgings_leave_a_slot_of_every_worker_free_and_nobody_waits_for_their_own(world: World) -> None:
    for name in ("ann", "ben"):
        world.submit(name)
        world.judge(report(80))
    begin(world)

    def claim() -> Claim | None:
        return judgings.claim(world.store, worker="w", lease_seconds=LEASE, slots=2)

    first = claim()
    assert first is not None
    assert not first.effective
    assert claim() is None, "the other slot is for those who take part"
    mine = world.submit("ann")
    second = claim()
    assert second is not None
    assert (second.submission_id, second.effective) == (mine, True)
    assert world.claim("alone") is not None, "a worker of one slot does both"


def test_it_is_served_as_an_eighth_of_one_who_takes_part(world: World) -> None:
    for number in range(40):
        world.submit(f"p{number % 4}")
        world.judge(report(50))
    begin(world)
    served: list[bool] = []
    for _ in range(45):
        while len(submissions.listed(world.store, owner=world.ids["p0"], state=State.queued).submissions) < 2:
            world.submit("p0")
        claim = world.claimed()
        served.append(claim.effective)
        assert judgings.commit(world.store, claim, report(50), evidence={})
    assert 4 <= served.count(False) <= 6, "one of nine"
    position = world.state(world.submit("p1")).queue_position
    assert position is not None
    assert position <= 3, "who comes now waits for one of theirs, and one of the rejudging at the most"


def waits(world: World, seed: int, slots: int, *, again: bool) -> list[float]:
    """How long people of a contest wait, with or without a rejudging of all that came before, dropped half way."""
    dice = random.Random(seed)
    people = [f"p{number}" for number in range(8)]
    workers.heartbeat(world.store, "w", slots)
    for _ in range(15):
        for name in people:
            world.submit(name, dice.choice(CHALLENGES))
            claim = world.claimed()
            world.clock.tick(5)
            assert judgings.commit(world.store, claim, report(50), evidence={})
    made = begin(world) if again else None
    start = world.clock.now
    coming = sorted(((dice.uniform(0, 400), dice.choice(people)) for _ in range(100)), reverse=True)
    running: list[tuple[float, int, Claim]] = []
    came: dict[str, float] = {}
    waited: list[float] = []
    while coming or running:
        if coming and (not running or coming[-1][0] < running[0][0]):
            now, name = coming.pop()
            world.clock.now = start
            world.clock.tick(now - 1)
            came[world.submit(name, dice.choice(CHALLENGES))] = now
            if made is not None and len(coming) == 50:
                done = rejudgings.drop(world.store, made.id, by=1)
                assert 0 < done.judged < done.total, "the control: it was under way"
        else:
            now, _, ended = heapq.heappop(running)
            world.clock.now = start
            world.clock.tick(now)
            judgings.commit(world.store, ended, report(50), evidence={})
        while len(running) < slots and (
            begun := judgings.claim(world.store, worker="w", lease_seconds=10**6, slots=slots)
        ):
            if begun.effective:
                waited.append(now - came[begun.submission_id])
            heapq.heappush(running, (now + 5, begun.judging_id, begun))
    assert len(waited) == 100
    return sorted(waited)


@pytest.mark.fault("F21")
def test_a_rejudging_cancelled_half_way_costs_those_who_take_part_next_to_nothing(sqlite: Databases) -> None:
    alone = World.at(sqlite.new())
    without = waits(alone, 21, 2, again=False)
    alone.store.close()
    world = World.at(sqlite.new())
    beside = waits(world, 21, 2, again=True)
    assert beside[94] <= 1.2 * without[94] + 5, "95 of 100; and nobody waits for more than one that has begun"
    assert sum(beside) / 100 <= 1.2 * sum(without) / 100 + 2.5
    with world.store.read() as session:
        left = select(Judging.id).where(Judging.lane == Lane.rejudge, col(Judging.ended_at).is_(None))
        assert session.exec(left).all() == [], "no row is orphaned"
    sound(world)
    world.store.close()


def test_a_ranking_is_of_one_version_until_a_rejudging_is_applied(world: World) -> None:
    def sent(who: str, score: float, version: str) -> str:
        made = world.submit(who)
        claim = world.claimed()
        assert judgings.commit(world.store, claim, report(score), evidence={}, version=version)
        return made

    def shown() -> dict[str, float | None]:
        assert standings.differences(world.store) == []
        return {row.entry: row.points for row in leaderboards.board(world.store, "cup").rows}

    old = sent("ann", 60, "v1")
    new = sent("ben", 90, "v2")
    assert shown() == {"ann": 60, "ben": None}
    assert (world.state(new).other_version, world.state(new).points, world.state(new).score) == (True, None, 90)
    made = rejudgings.create(
        world.store,
        rejudgings.Selection("cup", "alpha", ()),
        versions={"alpha": "v2"},
        reason="x",
        by=world.ids["staff"],
    )
    for score in (30, 80):
        claim = world.claimed()
        assert judgings.commit(world.store, claim, report(score), evidence={}, version="v2")
    moves = {one.entry: one.points_after for one in rejudgings.preview(world.store, made.id).moves if not one.challenge}
    assert shown() == {"ann": 60, "ben": None}
    rejudgings.apply(world.store, made.id, by=world.ids["staff"])
    assert shown() == {"ann": 30, "ben": 80} == moves
    assert not world.state(old).other_version
    sent("ann", 100, "v1")
    assert shown() == {"ann": 30, "ben": 80}, "nor does one come in of the version before"


def test_the_first_verdict_says_of_which_version_a_ranking_is(world: World) -> None:
    made = world.submit("ann")
    assert judgings.commit(world.store, world.claimed(), report(60), evidence={}, version="v2")
    assert [row.points for row in leaderboards.board(world.store, "cup").rows] == [60]
    assert not world.state(made).other_version
    assert standings.differences(world.store) == []
