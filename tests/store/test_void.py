"""Voiding: it counts for nothing while it is voided, and exactly as before when it is not."""

from __future__ import annotations

import pytest
from sqlmodel import select

from api.errors import Problem
from api.store import audit, invariants, leaderboards, submissions
from api.store.tables import Event
from tests.store.world import World, report


def points(world: World) -> dict[str, float | None]:
    return {row.entry: row.points for row in leaderboards.board(world.store, "cup").rows}


def sound(world: World) -> None:
    found = invariants.audit(world.store, lambda _: True, None)
    assert not [one for listed in found.values() for one in listed]


def test_it_counts_for_nothing_until_it_counts_again(world: World) -> None:
    world.submit("ann")
    world.judge(report(60))
    copied = world.submit("ann")
    world.judge(report(90))
    world.submit("ben")
    world.judge(report(70))
    before = points(world)
    assert before == {"ann": 90, "ben": 70}
    submissions.void(world.store, copied, "It is ben's.", by=world.ids["staff"])
    assert points(world) == {"ann": 60, "ben": 70}
    view = world.state(copied)
    assert (view.verdict, view.score, view.points, view.void_reason) == ("accepted", 90, None, "It is ben's.")
    sound(world)
    submissions.void(world.store, copied, "It is ben's.", by=world.ids["staff"])
    submissions.void(world.store, copied, None, by=world.ids["staff"])
    submissions.void(world.store, copied, None, by=world.ids["staff"])
    assert points(world) == before
    assert world.state(copied).void_reason is None
    sound(world)
    done = [(one.action, one.by, one.detail) for one in audit.listed(world.store, subject=copied)]
    assert done == [
        ("submission.restored", "admin", {"reason": None}),
        ("submission.voided", "admin", {"reason": "It is ben's."}),
    ], "newest first, and what was so already is nothing that was done"
    with world.store.read() as session:
        told = session.exec(select(Event.kind).where(Event.submission_id == copied, Event.kind != "submission")).all()
    assert list(told) == ["voided", "restored"]


def test_what_is_voided_before_its_verdict_never_stands(world: World) -> None:
    sent = world.submit("ann")
    submissions.void(world.store, sent, "copied", by=world.ids["staff"])
    world.judge(report(90))
    assert points(world) == {"ann": None}
    sound(world)
    submissions.void(world.store, sent, None, by=world.ids["staff"])
    assert points(world) == {"ann": 90}
    sound(world)


def test_there_must_be_one(world: World) -> None:
    with pytest.raises(Problem) as refused:
        submissions.void(world.store, "x" * 22, "why", by=world.ids["staff"])
    assert refused.value.code.code == "not_found"


def test_the_log_is_read_page_by_page(world: World) -> None:
    for name in ("ann", "ben", "cid"):
        world.person(name)
    everything = audit.listed(world.store)
    assert len(everything) > 6
    first = audit.listed(world.store, limit=3)
    rest = audit.listed(world.store, before=first[-1].id)
    assert first + rest == everything
    assert {one.action for one in audit.listed(world.store, action="entry.create")} == {"entry.create"}
    assert everything[-1].by is None, "the judge itself made the first administrator"
