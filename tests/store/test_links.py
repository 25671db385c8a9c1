"""Links to set a password: once, for a week, and never a way into more than an organiser looks after."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from api.store import links, people, seasons, sessions
from api.store.tables import PasswordLink
from tests.store.test_rules import code, put, season
from tests.store.world import World


def test_a_link_sets_a_password_once_and_signs_out_everywhere(world: World) -> None:
    ann = world.person("ann")
    old = sessions.begin(world.store, ann, seconds=60)
    link = links.issue(world.store, ann, by=world.ids["staff"])
    links.check(world.store, link.secret)
    assert links.use(world.store, f" {link.secret}\n", "a hash") == ann, "however it was pasted"
    assert people.password_of(world.store, "ann") == (ann, "a hash")
    assert sessions.find(world.store, old) is None
    assert code(links.use, world.store, link.secret, "another") == "unknown_link"
    assert people.password_of(world.store, "ann") == (ann, "a hash")
    with world.store.read() as session:
        assert session.exec(select(PasswordLink)).all() == []


def test_it_ends_with_the_next_one_and_after_a_week(world: World) -> None:
    ann = world.person("ann")
    first, second = (links.issue(world.store, ann, by=1) for _ in range(2))
    assert code(links.check, world.store, first.secret) == "unknown_link"
    links.check(world.store, second.secret)
    world.clock.tick(timedelta(days=7).total_seconds())
    assert code(links.use, world.store, second.secret, "x") == "unknown_link"
    assert code(links.use, world.store, "", "x") == "unknown_link"
    assert code(links.issue, world.store, 999, by=1) == "not_found"


def test_of_a_link_only_a_digest_is_kept(world: World) -> None:
    link = links.issue(world.store, world.person("ann"), by=1)
    with world.store.read() as session:
        assert link.secret not in repr(session.exec(select(PasswordLink)).one())


def test_an_organiser_makes_links_for_participants_of_theirs_and_nobody_else(world: World) -> None:
    for name in ("grace", "henry", "ida"):
        world.person(name, "cup")
    wanted = season(world, "ann\nben\ncy\n", organisers=["grace"], cohorts={"north": ["henry"]})
    grace = world.ids["grace"]
    assert links.issue_for_member(world.store, "season", "ann", by=grace).person == "ann"
    assert code(links.issue_for_member, world.store, "season", "nobody", by=grace) == "not_entered"
    assert code(links.issue_for_member, world.store, "season", "henry", by=grace) == "not_entered"
    # ben takes part elsewhere too, and cy becomes staff elsewhere
    world.competition("other")
    put(world, seasons.Wanted("other", "Other", [], roster=wanted.roster[1:2] if wanted.roster else ()))
    assert code(links.issue_for_member, world.store, "season", "ben", by=grace) == "forbidden"
    put(world, seasons.Wanted("other", "Other", [], organisers=["cy", "grace"]))
    assert code(links.issue_for_member, world.store, "season", "cy", by=grace) == "forbidden"
    assert links.issue_for_member(world.store, "season", "ben", by=grace).person == "ben", "now hers as well"
