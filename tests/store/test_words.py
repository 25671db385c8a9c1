"""Announcements and clarifications: who hears of them, who may read who asked, and what an erased person leaves."""

from __future__ import annotations

from typing import Any

import pytest

from api.errors import Problem
from api.store import competitions, erase, events, words
from api.store.tables import Audience
from tests.store.test_rules import code, cohort_id, season
from tests.store.world import World

PEOPLE = "ann,Owls,north\nben,Owls,north\ncy,,south\n"


def setting(world: World) -> World:
    season(
        world,
        PEOPLE,
        "name,team,cohort",
        team_size=2,
        cohorts={"north": [], "south": []},
    )
    return world


def seen(world: World, who: str, **more: Any) -> list[tuple[str, str | None, str | None]]:
    found = words.clarifications(world.store, "season", world.ids[who], **more)
    return [(one.question, one.answer, one.person) for one in found]


def ask(world: World, who: str, question: str, challenge: str | None = None) -> int:
    return words.ask(world.store, "season", challenge, question, by=world.ids[who]).id


def answer(world: World, number: int, text: str, **more: Any) -> words.ClarificationView:
    given = {"public": False, "by": world.ids["staff"], "within": None} | more
    return words.answer(world.store, "season", number, text, **given)


def test_an_announcement_reaches_every_stream_and_is_taken_back(world: World) -> None:
    setting(world)
    number = competitions.number(world.store, "season")
    before = events.last_id(world.store)
    said = words.announce(world.store, "season", "Week 2", "It begins\nlater.", by=world.ids["staff"])
    told = events.after(world.store, before, competition_id=number)
    assert [(one.kind, one.audience, one.payload["text"]) for one in told] == [
        ("announcement", Audience.public, "It begins\nlater.")
    ]
    assert [(one.title, one.by) for one in words.announcements(world.store, "season")] == [("Week 2", "admin")]
    assert code(words.withdraw, world.store, "cup", said.id, by=1) == "not_found", "of another competition"
    words.withdraw(world.store, "season", said.id, by=1)
    assert words.announcements(world.store, "season") == []


def test_a_question_is_its_teams_and_the_staffs_until_it_is_public(world: World) -> None:
    setting(world)
    number = ask(world, "ann", "Why?", "alpha")
    assert seen(world, "ben") == [("Why?", None, "ann")], "the team"
    assert seen(world, "cy") == []
    north, south = cohort_id(world, "north"), cohort_id(world, "south")
    assert seen(world, "staff", staff=True) == [("Why?", None, "ann")]
    assert seen(world, "staff", staff=True, within=[north]) == [("Why?", None, "ann")]
    assert seen(world, "staff", staff=True, within=[south]) == []
    with pytest.raises(Problem):
        answer(world, number, "x", within=[south])
    answer(world, number, "Because.", within=[north])
    assert seen(world, "cy") == []
    answer(world, number, "Because of that.", public=True)
    assert seen(world, "cy") == [("Why?", "Because of that.", None)], "who asked is not told"
    assert seen(world, "staff", staff=True, within=[south]) == [("Why?", "Because of that.", None)]
    assert seen(world, "ben") == [("Why?", "Because of that.", "ann")]


def test_what_cannot_be_asked_or_answered(world: World) -> None:
    setting(world)
    world.person("zoe", "cup")
    assert code(ask, world, "zoe", "Why?") == "not_entered"
    assert code(ask, world, "ann", "Why?", "nothing") == "unknown_challenge"
    first = ask(world, "ann", "0")
    for n in range(1, 10):
        ask(world, "ben", str(n))
    assert code(ask, world, "ann", "Why?") == "invalid_request", "ten of a team wait"
    answer(world, first, "Yes.")
    assert ask(world, "ann", "Why?")
    assert code(answer, world, 999, "x") == "not_found"


def test_no_event_says_what_was_asked(world: World) -> None:
    setting(world)
    before = events.last_id(world.store)
    number = ask(world, "ann", "a secret question")
    answer(world, number, "a secret answer")
    assert "secret" not in repr(events.after(world.store, before))


def test_who_is_erased_has_asked_nothing(world: World) -> None:
    setting(world)
    answer(world, ask(world, "ann", "I am Ann, why?"), "Because.", public=True)
    erase.person(world.store, world.ids["ann"], by=world.ids["staff"])
    assert seen(world, "cy") == []
    assert [question for question, _, _ in seen(world, "ben")] == ["erased"]
