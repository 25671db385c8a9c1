"""What does not count: dry runs, practice after the end, and baselines beside the ranking."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from api.errors import Problem
from api.store import accept, judgings, leaderboards, quota, standings, submissions
from api.store.leaderboards import Which
from api.store.tables import Entry, Kind, Standing
from challenges.report import Report, Verdict
from tests.store.test_rules import code, hand_in, points, season
from tests.store.world import START, World, report

DAY = timedelta(days=1)


def offer(world: World, who: str, challenge: str = "alpha", **more: object) -> accept.Offer:
    given = accept.Offer(world.ids[who], challenge, "v1", "season", "d" * 64, 10, ["solution.py"])
    return replace(given, **more)  # type: ignore[arg-type]


def send(world: World, who: str, challenge: str = "alpha", **more: object) -> dict[str, object]:
    world.clock.tick(1)
    return accept.accept(world.store, offer(world, who, challenge, **more))


def left(world: World, who: str = "ann") -> int | None:
    return next(one.left for one in quota.of_entry(world.store, "season", world.ids[who]) if one.challenge == "alpha")


def test_a_dry_run_costs_nothing_and_counts_for_nothing(world: World) -> None:
    season(world, per_day=1)
    receipt = send(world, "ann", kind=Kind.dry)
    assert (receipt["attempts_left"], receipt["kind"]) == (None, "dry")
    claim = world.claimed()
    assert claim.dry
    told = Report(Verdict.accepted, report(100).score, report(100).checks, output="hello")
    assert judgings.commit(world.store, claim, told, evidence={}, step=0.1)
    assert left(world) == 1
    assert points(world) == {"ann": None, "ben": None}
    seen = submissions.find(world.store, str(receipt["id"]), owner=world.ids["ann"])
    assert (seen.kind, seen.points, seen.score) == (Kind.dry, None, 100)
    sent = hand_in(world, "ann", 40)
    assert not world.state(sent).withheld, "what a dry run told is no score to climb from"
    assert points(world)["ann"] == 40
    assert send(world, "ann", kind=Kind.dry)["attempts_left"] is None, "with no attempt left, too"
    world.claimed()
    world.clock.now = START + 7 * DAY
    assert send(world, "ann", kind=Kind.dry), "and after the end"


def test_a_dry_run_waits_for_the_beginning(world: World) -> None:
    season(world)
    assert code(send, world, "ann", "beta", kind=Kind.dry) == "challenge_not_open"


def test_practice_begins_after_the_end_and_is_on_no_board(world: World) -> None:
    season(world, per_day=2, late=(0.5,))
    hand_in(world, "ann", 40)
    assert code(send, world, "ann", kind=Kind.practice) == "invalid_request"
    world.clock.now = START + 7.5 * DAY
    assert code(send, world, "ann", kind=Kind.practice) == "invalid_request", "late is not over"
    world.clock.now = START + 8 * DAY
    assert code(send, world, "ann") == "challenge_closed"
    for remaining in (1, 0):
        assert send(world, "ann", kind=Kind.practice)["attempts_left"] == remaining, "a quota of its own"
        claim = world.claimed()
        assert not claim.dry
        assert judgings.commit(world.store, claim, report(100), evidence={})
    assert code(send, world, "ann", kind=Kind.practice) == "quota_used"
    world.clock.now = START + 20 * DAY
    sent = send(world, "ben", kind=Kind.practice)
    assert world.judge(report(100)) == sent["id"]
    assert points(world) == {"ann": 40, "ben": None}
    assert world.state(str(sent["id"])).points is None


def test_a_baseline_stands_beside_the_ranking(world: World) -> None:
    season(world, per_day=1)
    hand_in(world, "ann", 40)
    for score in (60, 70):
        sent = send(world, "ann", kind=Kind.baseline, baseline="Logistic regression")
        assert world.judge(report(score)) == sent["id"], "with no quota"
    shown = leaderboards.board(world.store, "season", Which("alpha"))
    assert [(row.rank, row.entry, row.points) for row in shown.rows] == [(1, "ann", 40)]
    assert [(row.rank, row.entry, row.points) for row in shown.baselines] == [(None, "Logistic regression", 70)]
    assert leaderboards.board(world.store, "season").entries == 2
    assert standings.differences(world.store) == []
    with world.store.read() as session:
        assert session.exec(select(Entry.baseline).where(Entry.name == "Logistic regression")).one()
    assert code(send, world, "ann", kind=Kind.baseline, baseline="ben") == "name_taken"
    with pytest.raises(Problem):
        send(world, "ann", "nothing", kind=Kind.baseline, baseline="x")


def test_no_row_of_a_board_is_of_what_does_not_count(world: World) -> None:
    season(world)
    for _ in range(2):
        sent = send(world, "ann", kind=Kind.dry)
        assert world.judge(report(100)) == sent["id"]
    with world.store.read() as session:
        assert session.exec(select(Standing.board).where(Standing.board == "alpha")).all() == []


def test_what_does_not_count_says_nothing_of_the_version_of_a_ranking(world: World) -> None:
    season(world)

    def judged(version: str, **more: Any) -> str:
        sent = str(send(world, "ann", **more)["id"])
        assert judgings.commit(world.store, world.claimed(), report(60), evidence={}, version=version)
        return sent

    judged("v1", kind=Kind.dry)
    counted = judged("v2")
    assert (points(world)["ann"], world.state(counted).other_version) == (60, False)
    judged("v3", kind=Kind.dry)
    assert points(world)["ann"] == 60


def test_the_same_key_with_another_kind_is_another_submission(world: World) -> None:
    season(world)
    first = send(world, "ann", kind=Kind.dry, idempotency_key="k")
    assert send(world, "ann", kind=Kind.dry, idempotency_key="k") == first
    assert code(send, world, "ann", idempotency_key="k") == "idempotency_conflict"
