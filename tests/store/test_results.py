"""Histories, grades and exports say what the boards say."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from api.store import export, leaderboards, results
from api.store.results import Day
from tests.store.test_rules import hand_in, season
from tests.store.world import START, World

DAY = timedelta(days=1)


def test_a_history_is_a_board_a_day(world: World) -> None:
    season(world, time_zone="Europe/Berlin")
    hand_in(world, "ann", 40)
    world.clock.now = START + DAY
    hand_in(world, "ben", 80, "gamma")
    world.clock.now = START.replace(hour=22, minute=59, second=58) + DAY
    hand_in(world, "ben", 60, "alpha")
    world.clock.now = START.replace(hour=23) + DAY
    hand_in(world, "ann", 100, "gamma")
    found = results.histories(world.store, "season")
    first = START.date()
    assert found["ann"] == [
        Day(first, 1, 40, 0),
        Day(first + DAY, 2, 40, 0),
        Day(first + 2 * DAY, 2, 90, 1),
    ], "a day ends at midnight in Berlin"
    assert found["ben"] == [Day(first, None, None, 0), Day(first + DAY, 1, 100, 1), Day(first + 2 * DAY, 1, 100, 1)]


def test_the_last_day_of_a_history_is_the_board(world: World) -> None:
    season(world, "ann\nben\ncy\n", late=(0.7, 0.4), freeze_at=START + 5 * DAY)
    random = Random(7)
    for hour in range(0, 8 * 24, 6):
        world.clock.now = START + timedelta(hours=hour)
        hand_in(world, random.choice(["ann", "ben", "cy"]), random.randrange(100), random.choice(["alpha", "gamma"]))
    for staff in (False, True):
        board = {
            row.entry: (row.rank, row.points) for row in leaderboards.board(world.store, "season", staff=staff).rows
        }
        last = {
            name: (days[-1].rank, days[-1].points)
            for name, days in results.histories(world.store, "season", staff=staff).items()
        }
        assert last == board
    assert board != {row.entry: (row.rank, row.points) for row in leaderboards.board(world.store, "season").rows}


def test_grades_are_by_person_and_a_team_shares_them(world: World) -> None:
    season(
        world,
        "ann,a@x.org,Owls,north\nben,,Owls,north\ncy,,,south\n",
        "name,email,team,cohort",
        team_size=2,
        cohorts={"north": [], "south": []},
        freeze_at=START + DAY,
    )
    world.clock.now = START + 2 * DAY
    hand_in(world, "ann", 40)
    places, grades = results.grades(world.store, "season")
    assert [place.challenge for place in places] == ["alpha", "beta", "gamma"]
    assert [(one.person, one.email, one.entry, one.cohort, one.points, one.total) for one in grades] == [
        ("ann", "a@x.org", "Owls", "north", {"alpha": 40}, 40),
        ("ben", None, "Owls", "north", {"alpha": 40}, 40),
        ("cy", None, "cy", "south", {}, 0),
    ]


def test_an_export_holds_all_that_boards_follow_from(world: World) -> None:
    season(world, "ann,Owls\nben,Owls\n", "name,team", team_size=2, late=(0.5,))
    sent = hand_in(world, "ann", 40, private=33.333)
    waiting = world.submit("ben", "alpha", competition="season")
    world.submit("zoe")
    found = export.export(world.store, "season")
    assert found["competition"]["late"] == [0.5]
    assert found["entries"] == [{"name": "Owls", "members": ["ann", "ben"], "cohort": None, "baseline": False}]
    assert [(one["id"], one["verdict"], one["score"], one["private_score"]) for one in found["submissions"]] == [
        (sent, "wrong_answer", 40, 33.333),
        (waiting, None, None, None),
    ]


def test_what_was_told_is_evidence_for_each_of_a_team(world: World) -> None:
    season(world, "ann,Owls\nben,Owls\ncy,\n", "name,team", team_size=2)
    hand_in(world, "ann", 40, private=90)
    hand_in(world, "cy", 75)
    assert [
        (one.challenge, one.score, one.team, one.passed) for one in results.evidence(world.store, world.ids["ben"])
    ] == [("alpha", 40, True, False)]
    assert [(one.score, one.team, one.passed) for one in results.evidence(world.store, world.ids["cy"])] == [
        (75, False, True)
    ]
    world.clock.now = START + 14 * DAY
    assert results.evidence(world.store, world.ids["ann"])[0].score == 90, "after the end the private part"
