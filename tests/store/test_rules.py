"""The rules of a season: late days, freeze, what counts, boards of weeks and cohorts, teams and their quota."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from api.errors import Problem
from api.store import (
    competitions,
    deadlines,
    events,
    extensions,
    leaderboards,
    quota,
    roster,
    seasons,
    standings,
    submissions,
)
from api.store.competitions import ChallengePlace
from api.store.leaderboards import Which
from api.store.seasons import Wanted
from api.store.tables import Cohort, Competition, Counts, Person, Submission, View
from challenges.kit.score import Check, Score
from challenges.report import Report, Verdict
from tests.store.test_together import at_once
from tests.store.world import START, World, report

DAY = timedelta(days=1)
ALPHA = Which("alpha")


def season(world: World, people: str = "ann\nben\n", heading: str = "name", **more: Any) -> Wanted:
    """Two weeks of a challenge each and one challenge for the whole time, with everybody in it."""
    begin = START
    places = [
        ChallengePlace("alpha", 100, "v1", "one", begin, begin + 7 * DAY),
        ChallengePlace("beta", 200, "v1", "two", begin + 7 * DAY, begin + 14 * DAY),
        ChallengePlace("gamma", 50, "v1"),
    ]
    given: dict[str, Any] = {"opens_at": begin, "closes_at": begin + 14 * DAY, "challenges": places}
    given |= {"roster": roster.parse(f"{heading}\n{people}")} | more
    wanted = Wanted("season", "Season", **given)
    put(world, wanted)
    return wanted


def put(world: World, wanted: Wanted, **more: bool) -> list[str]:
    changes = seasons.apply(world.store, wanted, by=world.ids["staff"], **more)
    with world.store.read() as session:
        world.ids |= {person.name: person.id or 0 for person in session.exec(select(Person))}
    return changes


def at(world: World, moment: datetime) -> None:
    world.clock.now = moment


def hand_in(world: World, who: str, points: float, challenge: str = "alpha", private: float | None = None) -> str:
    sent = world.submit(who, challenge, competition="season")
    assert world.judge(report(points, private)) == sent
    return sent


def points(world: World, which: Which = Which(), *, staff: bool = False) -> dict[str, float | None]:
    shown = leaderboards.board(world.store, "season", which, staff=staff)
    assert standings.differences(world.store) == [], "what is kept is what the verdicts give"
    return {row.entry: row.points for row in shown.rows}


def code(call: Any, *args: Any, **more: Any) -> str:
    with pytest.raises(Problem) as refused:
        call(*args, **more)
    return refused.value.code.code


def test_late_days_take_points_and_then_it_is_over(world: World) -> None:
    season(world, late=(0.8, 0.5))
    hand_in(world, "ann", 60)
    at(world, START + 7 * DAY - timedelta(seconds=1.001))
    hand_in(world, "ben", 50)
    assert points(world) == {"ann": 60, "ben": 50}, "the last millisecond is in time"
    at(world, START + 7 * DAY - timedelta(seconds=1))
    late = hand_in(world, "ben", 90)
    assert points(world)["ben"] == 72, "the deadline itself is not"
    assert (world.state(late).points, world.state(late).score, world.state(late).credit) == (72, 90, 0.8)
    at(world, START + 8 * DAY)
    hand_in(world, "ann", 100)
    assert points(world)["ann"] == 60, "100 on the second day are 50"
    assert world.state(world.submit("ann", "alpha", competition="season")).credit is None
    world.judge(report(100))
    at(world, START + 9 * DAY)
    assert code(world.submit, "ann", "alpha", competition="season") == "challenge_closed"


def test_no_late_day_goes_beyond_the_end_of_the_competition(world: World) -> None:
    wanted = season(world, late=(0.5, 0.5, 0.5))
    at(world, START + 13 * DAY)
    assert world.submit("ann", "beta", competition="season")
    at(world, START + 14 * DAY)
    assert code(world.submit, "ann", "beta", competition="season") == "competition_over"
    assert wanted.closes_at == START + 14 * DAY


def test_an_extension_gives_back_what_being_late_took(world: World) -> None:
    season(world, "ann,north\nben,south\ncy,north\n", "name,cohort", late=(0.5,), cohorts={"north": [], "south": []})
    at(world, START + 7.5 * DAY)
    for who in ("ann", "ben", "cy"):
        hand_in(world, who, 80)
    assert points(world) == {"ann": 40, "ben": 40, "cy": 40}
    by = world.ids["staff"]
    until = START + 8 * DAY
    granted = extensions.grant(world.store, "season", None, "alpha", until, "a strike", by=by, cohort="north")
    assert [one.entry for one in granted] == ["ann", "cy"]
    assert points(world) == {"ann": 80, "ben": 40, "cy": 80}
    extensions.withdraw(world.store, "season", granted[0].id, by=by)
    assert points(world) == {"ann": 40, "ben": 40, "cy": 80}
    north = cohort_id(world, "north")
    assert (
        code(extensions.grant, world.store, "season", "ben", "alpha", until, "x", by=by, within=[north])
        == "not_entered"
    )
    assert extensions.listed(world.store, "season", [north])[0].entry == "cy"
    assert (
        code(extensions.grant, world.store, "season", "ben", "alpha", until, "x", by=by, cohort="north")
        == "invalid_request"
    )


def cohort_id(world: World, name: str) -> int:
    with world.store.read() as session:
        return session.exec(select(Cohort.id).where(Cohort.name == name)).one() or 0


def test_the_last_one_counts_where_the_rules_say_so(world: World) -> None:
    wanted = season(world, counts=Counts.last)
    hand_in(world, "ann", 90)
    first = world.submit("ann", "alpha", competition="season")
    second = world.submit("ann", "alpha", competition="season")
    world.judge(report(70))
    assert points(world)["ann"] == 70
    world.judge(report(None))
    assert points(world)["ann"] == 70, "what has no score replaces none"
    assert first != second
    put(world, Wanted(**{**vars(wanted), "counts": Counts.best, "roster": None}))
    assert points(world)["ann"] == 90, "and the boards follow a change of the rules"


def test_a_freeze_hides_what_is_received_from_then_on_until_the_thaw(world: World) -> None:
    freeze = START + 13 * DAY
    season(world, freeze_at=freeze)
    at(world, freeze - timedelta(seconds=3))
    hand_in(world, "ann", 40, "gamma")
    early = world.submit("ben", "gamma", competition="season")
    at(world, freeze)
    late = hand_in_behind(world, early, 50)
    assert points(world, Which("gamma")) == {"ann": 20, "ben": 25}, "received before, judged after: it shows"
    told = board_events(world)
    hidden = hand_in(world, "ann", 100, "gamma")
    assert points(world) == {"ben": 25, "ann": 20}
    assert board_events(world) == told, "and no event tells of it"
    assert points(world, staff=True) == {"ann": 50, "ben": 25}
    assert world.state(hidden).points == 50, "its owner is told"
    assert leaderboards.board(world.store, "season").view is View.frozen
    at(world, START + 15 * DAY)
    assert leaderboards.board(world.store, "season").view is View.frozen, "the end is no thaw"
    seasons.thaw(world.store, "season", by=world.ids["staff"])
    seasons.thaw(world.store, "season", by=world.ids["staff"])
    assert points(world) == {"ann": 50, "ben": 25}
    assert leaderboards.board(world.store, "season").view is View.private
    assert late == early


def hand_in_behind(world: World, sent: str, score: float) -> str:
    assert world.judge(report(score)) == sent
    return sent


def competition_number(world: World) -> int:
    return competitions.number(world.store, "season")


def board_events(world: World) -> int:
    return events.last_id(world.store, competition_id=competition_number(world))


def test_boards_that_are_not_frozen_cannot_be_thawed(world: World) -> None:
    wanted = season(world, freeze_at=START + 2 * DAY)
    assert code(seasons.thaw, world.store, "season", by=1) == "invalid_request"
    at(world, START + 3 * DAY)
    seasons.thaw(world.store, "season", by=1)
    assert put(world, Wanted(**{**vars(wanted), "roster": None})) == [], "the same file again freezes nothing"
    assert leaderboards.board(world.store, "season").view is View.public
    again = Wanted(**{**vars(wanted), "roster": None, "freeze_at": START + 2.5 * DAY})
    assert any("freeze_at" in one for one in put(world, again))
    assert leaderboards.board(world.store, "season").view is View.frozen


def test_weeks_and_cohorts_have_boards_of_their_own(world: World) -> None:
    season(world, "ann,north\nben,south\ncy,north\n", "name,cohort", cohorts={"north": [], "south": []})
    for who, score in (("ann", 50.0), ("ben", 70.0), ("cy", 60.0)):
        hand_in(world, who, score)
        hand_in(world, who, 100 - score, "gamma")
    assert points(world, Which(week=1)) == {"ben": 70, "cy": 60, "ann": 50}
    assert points(world, Which(week=2)) == {}
    found = leaderboards.board(world.store, "season", Which(cohort="north"))
    assert [(row.rank, row.entry) for row in found.rows] == [(1, "cy"), (2, "ann")]
    assert found.entries == 2
    assert leaderboards.board(world.store, "season", Which(week=1)).challenges == ["alpha"]
    for which in (Which(week=3), Which(cohort="east")):
        assert code(leaderboards.board, world.store, "season", which) == "not_found"
    at(world, START + 7 * DAY)
    hand_in(world, "ann", 10, "beta")
    assert points(world, Which(week=2)) == {"ann": 20}
    assert points(world, Which(week=1))["ann"] == 50


def test_only_the_first_ranks_are_named_where_the_rules_say_so(world: World) -> None:
    season(world, "ann\nben\ncy\n", named=1)
    for who, score in (("ann", 50.0), ("ben", 70.0), ("cy", 70.0)):
        hand_in(world, who, score)
    shown = leaderboards.board(world.store, "season").rows
    assert [(row.rank, row.name) for row in shown] == [(1, "ben"), (1, "cy"), (3, None)]
    assert [row.name for row in leaderboards.board(world.store, "season", staff=True).rows] == ["ben", "cy", "ann"]


def test_no_event_names_whom_the_boards_do_not(world: World) -> None:
    wanted = season(world, "ann\nben\n")
    number = competition_number(world)
    since = events.last_id(world.store)
    hand_in(world, "ann", 50.0)
    put(world, Wanted(**{**vars(wanted), "roster": None, "named": 1}))
    hand_in(world, "ben", 40.0)
    told = [one.payload.get("name") for one in events.after(world.store, since, competition_id=number)]
    assert told == ["ann", None, None], "the control, the changed rules, and nobody"


def test_who_has_no_private_tests_to_fear_keeps_the_public_ones(world: World) -> None:
    season(world, private=False)
    hand_in(world, "ann", 80, private=20)
    at(world, START + 14 * DAY)
    assert points(world)["ann"] == 80
    assert leaderboards.board(world.store, "season").view is View.public


def test_a_team_shares_entry_quota_and_verdicts(world: World) -> None:
    wanted = season(world, "ann,Owls\nben,Owls\ncy,\n", "name,team", team_size=2, per_day=2)
    sent = hand_in(world, "ann", 60)
    world.submit("ben", "alpha", competition="season")
    assert code(world.submit, "ann", "alpha", competition="season") == "quota_used"
    left = {one.challenge: one.left for one in quota.of_entry(world.store, "season", world.ids["ann"])}
    assert left["alpha"] == 0
    assert submissions.find(world.store, sent, owner=world.ids["ben"]).entry == "Owls"
    assert code(submissions.find, world.store, sent, owner=world.ids["cy"]) == "not_found"
    assert len(submissions.listed(world.store, owner=world.ids["ben"]).submissions) == 2
    world.judge(report(50))
    assert points(world) == {"Owls": 60, "cy": None}
    told = refusal(put, world, Wanted(**{**vars(wanted), "roster": None, "team_size": 1}))
    assert told == "team_size: Owls has 2 members already."


def test_two_of_a_team_cannot_both_take_the_last_one(world: World) -> None:
    season(world, "ann,Owls\nben,Owls\n", "name,team", team_size=2, per_day=1)

    def send(who: str) -> str:
        try:
            return world.submit(who, "alpha", competition="season") and "accepted"
        except Problem as problem:
            return problem.code.code

    results = at_once(*[lambda who=who: send(who) for who in ("ann", "ben") * 5])
    assert sorted(results) == ["accepted"] + ["quota_used"] * 9


def refusal(call: Any, *args: Any, **more: Any) -> str:
    with pytest.raises(Problem) as refused:
        call(*args, **more)
    assert refused.value.code.code == "invalid_request"
    return refused.value.detail


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"late": (0.5, 0.8)}, "late: "),
        ({"late": (1.0,)}, "late: "),
        ({"freeze_at": START + 14 * DAY}, "freeze_at: it is not between opens_at and closes_at."),
        ({"freeze_at": START}, "freeze_at: it is not between"),
        ({"team_size": 0}, "team_size: "),
    ],
)
def test_rules_that_are_none(world: World, rule: dict[str, Any], said: str) -> None:
    assert refusal(season, world, **rule).startswith(said)
    with world.store.read() as session:
        assert session.exec(select(Competition.slug).where(Competition.slug == "season")).all() == []


@given(
    scores=st.lists(st.tuples(st.floats(0, 100), st.floats(0, 20)), min_size=1, max_size=30),
    scale=st.floats(0.1, 10),
)
def test_tie_groups_by_their_definition(scores: Sequence[tuple[float, float]], scale: float) -> None:
    ordered = sorted(scores, reverse=True)
    groups = leaderboards.tie_groups([(n, *one) for n, one in enumerate(ordered)], scale)
    first = 0
    for n, (score, error) in enumerate(ordered):
        if groups[n] != groups[first]:
            best, its = ordered[first]
            assert best - score > 1.96 * math.hypot(its * scale, error * scale)
            first = n
        else:
            best, its = ordered[first]
            assert n == first or best - score <= 1.96 * math.hypot(its * scale, error * scale)
    assert list(groups.values()) == sorted(groups.values())


def test_a_metric_board_tells_what_it_cannot_tell_apart(world: World) -> None:
    season(world, "ann\nben\ncy\n")
    for who, score in (("ann", 80.0), ("ben", 78.0), ("cy", 60.0)):
        sent = world.submit(who, "alpha", competition="season")
        found = Score(score, score, (Check("f1", score / 100, 1.0, False, "", score >= 70),), score / 200, 0.01)
        word = Verdict.accepted if score >= 70 else Verdict.wrong_answer
        assert world.judge(Report(word, found, found.checks)) == sent
    rows = leaderboards.board(world.store, "season", ALPHA, scale=200).rows
    assert [(row.entry, row.error, row.tie_group) for row in rows] == [("ann", 2, 1), ("ben", 2, 1), ("cy", 2, 2)]
    later = leaderboards.board(world.store, "season", ALPHA, scale=200, offset=2).rows
    assert [row.tie_group for row in later] == [2], "a page further down counts from the top"
    assert [row.tie_group for row in leaderboards.board(world.store, "season", ALPHA).rows] == [None] * 3


@given(
    own=st.none() | st.integers(0, 100),
    closes=st.none() | st.integers(1, 120),
    until=st.none() | st.integers(0, 200),
    late=st.lists(st.floats(0, 0.99), max_size=4),
    received=st.integers(0, 250),
)
def test_what_is_refused_and_what_counts_in_full_do_not_overlap(
    own: int | None, closes: int | None, until: int | None, late: list[float], received: int
) -> None:
    def moment(hours: int | None) -> datetime | None:
        return None if hours is None else START + timedelta(hours=hours)

    window = deadlines.Window(START, moment(closes), sorted(late, reverse=True), moment(own))
    found = deadlines.deadline(window, moment(until))
    when = START + timedelta(hours=received)
    credit = deadlines.credit(window, moment(until), when)
    assert (found.on_time is None) == (found.last is None)
    if found.on_time is not None and found.last is not None:
        assert found.on_time <= found.last
        if when < found.on_time:
            assert credit == 1
        elif window.late:
            assert credit < 1
        longer = deadlines.credit(window, (moment(until) or START) + timedelta(hours=5), when)
        assert longer >= credit, "an extension never takes"


def test_nothing_of_a_frozen_board_is_in_the_submissions_of_others(world: World) -> None:
    season(world, freeze_at=START + DAY)
    at(world, START + 2 * DAY)
    sent = hand_in(world, "ann", 90)
    with world.store.read() as session:
        assert session.get_one(Submission, sent).challenge == "alpha"
    assert points(world) == {"ann": None, "ben": None}
    assert points(world, ALPHA) == {}
    assert leaderboards.bests(world.store, world.ids["ann"])["alpha"].score == 90
