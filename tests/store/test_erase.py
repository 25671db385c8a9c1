"""Erasing: nothing that somebody wrote or is called is left, and everything that others stand on is."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, select

from api.errors import Problem
from api.store import (
    competitions,
    erase,
    extensions,
    invariants,
    judgings,
    leaderboards,
    links,
    people,
    seasons,
    submissions,
    words,
)
from api.store.tables import Judging, Person, Role, Scope, State
from challenges.report import Report, Verdict
from tests.store.test_rules import put, season
from tests.store.world import World, report

DAY = 86400.0


def everything(world: World) -> str:
    """Every cell of every table."""
    with world.store.read() as session:
        return "\n".join(
            str(tuple(row))
            for table in SQLModel.metadata.sorted_tables
            for row in session.connection().execute(sa.select(table))
        )


def board(world: World) -> list[tuple[str, float | None]]:
    found = leaderboards.board(world.store, "cup")
    return [(row.entry, row.points) for row in found.rows]


def full_life(world: World) -> list[str]:
    """Maryam signs in, hands in, fails with a traceback of hers, and has something running and something waiting."""
    world.person("maryam")
    people.create_token(world.store, world.ids["maryam"], "laptop of maryam", list(Scope)[:1], by=world.ids["maryam"])
    people.set_password(world.store, world.ids["maryam"], "$argon2id$maryam", expected=None)
    ids = [world.submit("maryam", "alpha", digest="a" * 64, key="key of maryam")]
    world.judge(report(80))
    ids.append(world.submit("maryam", "beta", digest="b" * 64))
    claim = world.claimed()
    words = Report(Verdict.runtime_error, message="MaryamError in line 3", build_log="maryam's log")
    assert judgings.commit(world.store, claim, words, evidence={"detail": "maryam's traceback"})
    ids += [world.submit("maryam", "alpha"), world.submit("maryam", "alpha")]
    later = world.clock.now + timedelta(days=9)
    extensions.grant(world.store, "cup", "maryam", None, later, "Maryam is ill.", by=world.ids["staff"])
    submissions.void(world.store, ids[1], "Maryam copied it.", by=world.ids["staff"])
    world.claimed()
    return ids


def test_nothing_of_somebody_is_left_and_the_board_keeps_its_ranks(world: World) -> None:
    ids = full_life(world)
    world.submit("ben", "alpha")
    assert everything(world).lower().count("maryam") > 8, "the control"
    before = board(world)
    assert [name for name, _ in before] == ["maryam", "ben"]
    erase.person(world.store, world.ids["maryam"], by=world.ids["staff"])
    assert "maryam" not in everything(world).lower()
    row, other = board(world)
    assert row[0].startswith("deleted-")
    assert row[1] == before[0][1]
    assert [world.state(one).state for one in ids] == [State.done, State.done, State.cancelled, State.cancelled]
    assert [world.state(one).files for one in ids] == [[]] * 4
    assert world.claimed().submission_id not in ids, "the next one's turn has come"
    assert submissions.referred_to(world.store, ["a" * 64, "b" * 64, "d" * 64]) == {"d" * 64}
    found = invariants.audit(world.store, lambda digest: digest == "d" * 64, None)
    assert not [one for listed in found.values() for one in listed]
    erase.person(world.store, world.ids["maryam"], by=world.ids["staff"])
    assert board(world) == [row, other], "once more changes nothing"


def test_nor_of_what_a_season_knows_of_them(world: World) -> None:
    """By roster, in a team, staff elsewhere, with questions, answers, a link, and the log of all that."""
    season(world, "maryam,maryam@example.org,Owls\nben,,Owls\n", "name,email,team", team_size=2, organisers=[])
    put(world, seasons.Wanted("other", "Other", [], organisers=["maryam"], cohorts={"north": ["maryam"]}))
    asked = words.ask(world.store, "season", None, "I am Maryam, why?", by=world.ids["maryam"])
    staff = world.ids["staff"]
    words.answer(world.store, "season", asked.id, "Because, Maryam.", public=True, by=staff, within=None)
    links.issue(world.store, world.ids["maryam"], by=staff)
    sent = world.submit("maryam", "alpha", competition="season")
    world.submit("ben", "alpha", competition="season")
    assert everything(world).lower().count("maryam") > 8, "the control"
    erase.person(world.store, world.ids["maryam"], by=staff)
    assert "maryam" not in everything(world).lower()
    assert world.state(sent).entry == "Owls", "a team keeps its name"
    assert [one.entry for one in leaderboards.board(world.store, "season").rows] == ["Owls"]


def test_the_name_is_free_again_and_a_name_taken_before_stops_nobody(world: World) -> None:
    full_life(world)
    world.person(f"deleted-{world.ids['maryam']}")
    erase.person(world.store, world.ids["maryam"], by=world.ids["staff"])
    again = people.create_person(world.store, "maryam", Role.participant, by=world.ids["staff"])
    competitions.add_entry(world.store, "cup", "maryam", by=world.ids["staff"])
    assert again.id != world.ids["maryam"]


def test_who_cannot_be_erased(world: World) -> None:
    with pytest.raises(Problem) as refused:
        erase.person(world.store, world.ids["staff"], by=world.ids["staff"])
    assert refused.value.code.code == "forbidden"
    with pytest.raises(Problem) as refused:
        erase.person(world.store, 10**6, by=world.ids["staff"])
    assert refused.value.code.code == "not_found"
    with world.store.read() as session:
        assert session.exec(select(Person.erased_at).where(Person.id == world.ids["staff"])).one() is None


def test_a_result_that_comes_too_late_brings_nothing_back(world: World) -> None:
    world.submit("ann")
    claim = world.claimed()
    erase.person(world.store, world.ids["ann"], by=world.ids["staff"])
    assert not judgings.commit(world.store, claim, report(80), evidence={"detail": "ann"})
    with world.store.read() as session:
        assert session.exec(select(Judging.state)).one() is State.cancelled


def test_what_was_handed_in_goes_some_time_after_the_competition(world: World) -> None:
    world.competition("short", closes_after=10 * DAY)
    world.competition("endless")
    world.person("ann", "short", "endless")
    kept = world.submit("ann", "alpha", competition="endless", digest="c" * 64)
    world.judge(report(None))
    gone = world.submit("ann", "alpha", competition="short", digest="a" * 64)
    world.judge(report(None))
    waiting = world.submit("ann", "beta", competition="short", digest="b" * 64)
    world.clock.tick(39 * DAY)
    assert erase.after_competitions(world.store, 30) == 0, "29 days after it closed"
    world.clock.tick(2 * DAY)
    assert erase.after_competitions(world.store, 30) == 1, "what is not judged yet still needs its files"
    assert erase.after_competitions(world.store, 30) == 0
    assert submissions.referred_to(world.store, ["a" * 64, "b" * 64, "c" * 64]) == {"b" * 64, "c" * 64}
    assert (world.state(gone).report or {})["message"] == ""
    assert (world.state(kept).report or {})["message"] == "ValueError in line 3"
    assert world.judge(report(70)) == waiting
    assert erase.after_competitions(world.store, 30) == 1
