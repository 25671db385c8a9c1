"""Competitions by one description: all or nothing, nothing twice; windows and quotas by the time of receipt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from api.errors import Problem
from api.store import competitions, extensions, invariants, judgings, leaderboards, quota, seasons, submissions
from api.store.competitions import ChallengePlace
from api.store.seasons import Wanted
from api.store.tables import Audit, Competition
from challenges.report import Verdict
from tests.store.test_together import at_once
from tests.store.world import World, report

DAY = timedelta(days=1)


def wanted(world: World, **more: object) -> Wanted:
    """Two weeks of one challenge each, and one challenge for the whole time."""
    begin = world.clock.now
    first, second = (begin, begin + 7 * DAY), (begin + 7 * DAY, begin + 14 * DAY)
    places = [
        ChallengePlace("alpha", 100, "v1", "one", *first),
        ChallengePlace("beta", 200, "v1", "two", *second),
        ChallengePlace("gamma", 50, "v1"),
    ]
    given: dict[str, object] = {"opens_at": begin, "closes_at": begin + 14 * DAY, "challenges": places}
    return Wanted("season", "Season", **(given | more))  # type: ignore[arg-type]


def put(world: World, what: Wanted, **more: bool) -> list[str]:
    return seasons.apply(world.store, what, by=world.ids["staff"], **more)


def code(world: World, what: Wanted) -> tuple[str, str]:
    with pytest.raises(Problem) as refused:
        put(world, what)
    return refused.value.code.code, refused.value.detail


def test_it_is_made_changed_and_then_left_alone(world: World) -> None:
    what = wanted(world, per_day=3, time_zone="Europe/Berlin")
    before = [one.slug for one in competitions.listed(world.store)]
    planned = put(world, what, dry_run=True)
    assert [one.slug for one in competitions.listed(world.store)] == before, "a dry run makes nothing"
    assert put(world, what) == planned
    assert {"season is made", "per_day 3", "alpha is added", "alpha: week one"} <= set(planned)
    assert put(world, what) == []
    found = competitions.find(world.store, "season")
    assert (found.per_day, found.time_zone, found.title) == (3, "Europe/Berlin", "Season")
    assert found.challenges == list(what.challenges)

    other = replace(what, per_day=None, challenges=[replace(what.challenges[0], points=150), what.challenges[1]])
    assert put(world, other, dry_run=True) == put(world, other)
    assert put(world, other) == []
    changed = competitions.find(world.store, "season")
    assert (changed.per_day, [one.points for one in changed.challenges]) == (None, [150, 200])
    with world.store.read() as session:
        kept = session.exec(select(Audit.detail).where(Audit.action == "competition.apply").order_by(col(Audit.id)))
        assert [bool(one["changes"]) for one in kept if "gamma is taken out" in one["changes"]] == [True]


def test_what_is_wrong_is_said_and_nothing_is_applied(world: World) -> None:
    good = wanted(world)
    now = world.clock.now
    alpha, beta, gamma = good.challenges
    for places, said in (
        ([alpha, replace(beta, opens_at=now + 6 * DAY)], "Week 'two' begins before week 'one' ends."),
        ([replace(alpha, opens_at=now + 2 * DAY, closes_at=now + DAY)], "alpha: it closes before it opens."),
        ([alpha, replace(gamma, week="one")], "gamma: week 'one' has another window."),
        ([replace(beta, closes_at=now + 15 * DAY)], "beta: its window is not within that of the competition."),
    ):
        assert code(world, replace(good, challenges=places)) == ("invalid_request", said)
    late = replace(good, opens_at=now - 3 * DAY, closes_at=now - DAY, challenges=[gamma])
    assert code(world, late)[1].endswith("is in the past.")
    assert code(world, replace(good, closes_at=now))[1].startswith("closes_at must be later than opens_at.")
    with world.store.read() as session:
        assert session.exec(select(Competition.slug).where(Competition.slug == "season")).all() == []


def test_weeks_without_dates_are_headings(world: World) -> None:
    good = wanted(world)
    places = [replace(one, week=f"Week {n}", opens_at=None, closes_at=None) for n, one in enumerate(good.challenges)]
    put(world, replace(good, challenges=places))
    assert competitions.find(world.store, "season").weeks == ["Week 0", "Week 1", "Week 2"]


def test_a_deadline_that_has_passed_may_stay_and_not_be_moved_into_the_past(world: World) -> None:
    what = wanted(world)
    put(world, what)
    world.clock.tick(8 * 86400)
    assert put(world, what) == [], "week one is over, and that is no news"
    alpha, beta, gamma = what.challenges
    moved = replace(alpha, closes_at=world.clock.now - 2 * DAY)
    assert code(world, replace(what, challenges=[moved, beta, gamma]))[1].endswith("is in the past.")


def test_what_was_handed_in_for_a_challenge_keeps_it_and_points_follow(world: World) -> None:
    what = wanted(world)
    put(world, what)
    world.person("ann", "season")
    world.submit("ann", "gamma", competition="season")
    world.judge(report(80))
    assert [row.points for row in leaderboards.board(world.store, "season").rows] == [40]
    alpha, beta, gamma = what.challenges
    assert "gamma cannot be taken out" in code(world, replace(what, challenges=[alpha, beta]))[1]
    put(world, replace(what, challenges=[alpha, beta, replace(gamma, points=1000)]))
    assert [row.points for row in leaderboards.board(world.store, "season").rows] == [800]
    found = invariants.audit(world.store, lambda _: True, None)
    assert not [one for listed in found.values() for one in listed]


def test_each_challenge_has_its_own_window(world: World) -> None:
    put(world, wanted(world))
    world.person("ann", "season")

    def outcome(challenge: str) -> str:
        try:
            return world.submit("ann", challenge, competition="season") and "accepted"
        except Problem as problem:
            return problem.code.code

    assert [outcome(one) for one in ("alpha", "beta", "gamma")] == ["accepted", "challenge_not_open", "accepted"]
    world.clock.tick(7 * 86400)
    assert [outcome(one) for one in ("alpha", "beta", "gamma")] == ["challenge_closed", "accepted", "accepted"]
    world.clock.tick(7 * 86400)
    assert [outcome(one) for one in ("alpha", "beta", "gamma")] == ["competition_over"] * 3


def left(world: World, name: str = "ann") -> int | None:
    return next(one.left for one in quota.of_entry(world.store, "season", world.ids[name]) if one.challenge == "gamma")


def test_the_quota_counts_by_day_and_gives_back_what_the_judge_failed(world: World) -> None:
    put(world, wanted(world, per_day=2))
    world.person("ann", "season")
    world.person("ben", "season")
    assert left(world) == 2
    world.submit("ann", "gamma", competition="season")
    world.judge(report(None, verdict=Verdict.judge_error))
    assert left(world) == 2, "a failure of the judge costs nothing"
    first = world.submit("ann", "gamma", competition="season")
    submissions.cancel(world.store, first, owner=None, by=1)
    assert left(world) == 2, "nor does what was cancelled before it began"
    second = world.submit("ann", "gamma", competition="season")
    world.claimed()
    submissions.cancel(world.store, second, owner=None, by=1)
    assert left(world) == 1, "what had begun counts"
    world.submit("ann", "gamma", competition="season", key="k")
    assert left(world) == 0
    world.submit("ann", "gamma", competition="season", key="k")
    with pytest.raises(Problem) as refused:
        world.submit("ann", "gamma", competition="season")
    assert refused.value.code.code == "quota_used"
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= 86400
    world.submit("ann", "alpha", competition="season")
    world.submit("ben", "gamma", competition="season")
    world.clock.tick(refused.value.retry_after)
    assert left(world) == 2


def test_of_many_at_the_same_moment_the_quota_lets_in_just_so_many(world: World) -> None:
    put(world, wanted(world, per_day=3))
    world.person("ann", "season")

    def one(number: int) -> str:
        try:
            return world.submit("ann", "gamma", competition="season", digest=f"{number:064x}") and "accepted"
        except Problem as problem:
            return problem.code.code

    found = at_once(*[lambda number=number: one(number) for number in range(8)])
    assert sorted(found) == ["accepted"] * 3 + ["quota_used"] * 5
    assert left(world) == 0


def test_a_rejudged_failure_counts_again_and_refuses_nobody_later(world: World) -> None:
    put(world, wanted(world, per_day=1))
    world.person("ann", "season")
    world.submit("ann", "gamma", competition="season")
    world.judge(report(None, verdict=Verdict.judge_error))
    world.submit("ann", "gamma", competition="season")
    claim = world.claimed()
    assert judgings.commit(world.store, claim, report(50), evidence={})
    assert left(world) == 0


def test_an_extension_is_for_one_entry_and_what_it_names(world: World) -> None:
    what = wanted(world)
    put(world, what)
    for name in ("ann", "ben"):
        world.person(name, "season")
    begin = world.clock.now

    def outcome(name: str, challenge: str) -> str:
        try:
            return world.submit(name, challenge, competition="season") and "accepted"
        except Problem as problem:
            return problem.code.code

    def grant(challenge: str | None, closes_at: datetime, entry: str = "ann") -> str:
        try:
            by = world.ids["staff"]
            return extensions.grant(world.store, "season", entry, challenge, closes_at, "ill", by=by)[0].entry
        except Problem as problem:
            return problem.code.code

    assert grant("alpha", begin + 6 * DAY) == "invalid_request", "that is no extension"
    assert grant("nothing", begin + 8 * DAY) == "unknown_challenge"
    assert grant("alpha", begin + 8 * DAY, "nobody") == "not_entered"
    assert grant("alpha", begin + 8 * DAY) == "ann"
    assert grant("alpha", begin + 9 * DAY) == "ann", "in place of the other"
    assert [one.closes_at for one in extensions.listed(world.store, "season")] == [begin + 9 * DAY]
    world.clock.tick(8.5 * 86400)
    assert [outcome(name, "alpha") for name in ("ann", "ben")] == ["accepted", "challenge_closed"]
    world.clock.tick(86400)
    assert outcome("ann", "alpha") == "challenge_closed"

    assert grant(None, begin + 16 * DAY) == "ann"
    assert grant(None, begin + 9 * DAY) == "invalid_request", "in the past"
    world.clock.tick(5 * 86400)
    assert [outcome("ann", one) for one in ("alpha", "beta", "gamma")] == ["accepted"] * 3
    assert outcome("ben", "gamma") == "competition_over"
    chances = quota.of_challenge(world.store, "gamma", world.ids["ann"])
    assert [(one.closes_at, one.over) for one in chances if one.competition == "season"] == [(begin + 16 * DAY, False)]
    given = extensions.listed(world.store, "season")
    extensions.withdraw(world.store, "season", given[0].id, by=world.ids["staff"])
    assert outcome("ann", "gamma") == "competition_over"
    with pytest.raises(Problem):
        extensions.withdraw(world.store, "cup", given[1].id, by=world.ids["staff"])


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"]
)


@given(zone=ZONES, seconds=st.integers(0, 6 * 365 * 86400))
def test_a_day_holds_its_moment_and_the_next_begins_where_it_ends(zone: str, seconds: int) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    begin, end = quota._day(zone, now)
    assert begin <= now < end
    assert timedelta(hours=23) <= end - begin <= timedelta(hours=25)
    assert quota._day(zone, end)[0] == end
