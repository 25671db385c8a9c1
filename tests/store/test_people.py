"""People, tokens, builds, workers: what is kept, and what is not."""

import pytest
from sqlmodel import col, select

from api.errors import Problem
from api.store import Store, builds, competitions, people, workers
from api.store.status import status
from api.store.tables import Audit, Role, Scope, Token
from tests.databases import Databases
from tests.store.world import World


def test_the_first_administrator_is_made_once(world: World) -> None:
    assert not people.ensure_admin(world.store, lambda _secret: pytest.fail("there is one already"))


def test_without_a_place_for_its_token_no_administrator_is_made(databases: Databases) -> None:
    store = Store(databases.new())

    def full(_secret: str) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        people.ensure_admin(store, full)
    kept: list[str] = []
    assert people.ensure_admin(store, kept.append)
    caller = people.authenticate(store, kept[0])
    assert caller is not None
    assert (caller.role, caller.scopes) == (Role.admin, frozenset(Scope))


def test_a_token_works_until_it_is_revoked_and_its_secret_is_not_kept(world: World) -> None:
    ann = world.person("ann")
    view, secret = people.create_token(world.store, ann, "laptop", [Scope.submit], by=ann)
    caller = people.authenticate(world.store, secret)
    assert caller is not None
    assert (caller.person_id, caller.name, caller.role) == (ann, "ann", Role.participant)
    assert caller.scopes == {Scope.submit}
    with world.store.read() as session:
        row = session.get_one(Token, view.id)
        assert secret not in repr(row)
        assert (row.last4, row.prefix) == (secret[-4:], secret[:10])
    people.revoke_token(world.store, view.id, by=ann, anybodys=False)
    people.revoke_token(world.store, view.id, by=ann, anybodys=False)
    assert people.authenticate(world.store, secret) is None


@pytest.mark.parametrize("secret", ["", "assay_", "assay_" + "x" * 43, "x" * 10_000, "assay_" + "\x00" * 43, "é" * 49])
def test_what_is_no_token(world: World, secret: str) -> None:
    assert people.authenticate(world.store, secret) is None


def test_somebody_elses_token_is_missing(world: World) -> None:
    ann, ben = world.person("ann"), world.person("ben")
    view, secret = people.create_token(world.store, ann, "x", [Scope.read], by=ann)
    for token_id in (view.id, 10_000):
        with pytest.raises(Problem, match="not_found"):
            people.revoke_token(world.store, token_id, by=ben, anybodys=False)
    assert people.authenticate(world.store, secret) is not None
    people.revoke_token(world.store, view.id, by=world.ids["staff"], anybodys=True)
    assert people.authenticate(world.store, secret) is None


def test_only_administrators_have_the_scope_admin(world: World) -> None:
    ann = world.person("ann")
    with pytest.raises(Problem, match="forbidden"):
        people.create_token(world.store, ann, "x", [Scope.admin], by=world.ids["staff"])
    with pytest.raises(Problem, match="not_found"):
        people.create_token(world.store, 999, "x", [Scope.read], by=world.ids["staff"])


def test_names_are_unique_and_acts_are_written_down(world: World) -> None:
    world.person("ann")
    with pytest.raises(Problem, match="name_taken"):
        people.create_person(world.store, "ann", Role.participant, by=world.ids["staff"])
    with pytest.raises(Problem, match="already_entered"):
        competitions.add_entry(world.store, "cup", "ann", by=world.ids["staff"])
    with pytest.raises(Problem, match="name_taken"):
        world.competition("cup")
    with world.store.read() as session:
        acts = [(row.action, row.subject) for row in session.exec(select(Audit).order_by(col(Audit.id)))]
    assert acts == [
        ("person.create", "admin"),
        ("competition.create", "cup"),
        ("person.create", "ann"),
        ("entry.create", "cup/ann"),
    ]


def test_a_competition_that_closes_before_it_opens(world: World) -> None:
    with pytest.raises(Problem, match="invalid_request"):
        world.competition("odd", opens_after=10, closes_after=10)


def test_a_profile(world: World) -> None:
    world.competition("mug")
    ann = world.person("ann", "mug", "cup")
    people.create_token(world.store, ann, "laptop", [Scope.submit, Scope.read], by=ann)
    profile = people.profile(world.store, ann)
    assert (profile.name, profile.competitions) == ("ann", ["cup", "mug"])
    assert [(token.label, token.scopes) for token in profile.tokens] == [("laptop", ["read", "submit"])]


def test_the_first_build_recorded_is_the_one_in_force(world: World) -> None:
    assert builds.find(world.store, "alpha", "v1") is None
    first = builds.record(world.store, "alpha", "v1", 0, "p1", "h1")
    assert builds.record(world.store, "alpha", "v1", 0, "p2", "h2") == first
    assert builds.find(world.store, "alpha", "v1", 0) == first
    assert builds.find(world.store, "alpha", "v1", 1) is None
    assert builds.find(world.store, "alpha", "v2") is None


def test_workers_come_and_go(world: World) -> None:
    workers.heartbeat(world.store, "w1", 2, info={"engine": "20.10"})
    world.clock.tick(workers.LIVE_SECONDS + 1)
    workers.heartbeat(world.store, "w2", 3)
    seen = {worker.name: (worker.live, worker.slots) for worker in status(world.store).workers}
    assert seen == {"w1": (False, 2), "w2": (True, 3)}
    workers.leave(world.store, "w1")
    assert [worker.name for worker in status(world.store).workers] == ["w2"]
    world.submit("ann")
    world.submit("ben")
    world.claimed()
    found = status(world.store)
    assert (found.queued, found.running, found.oldest_seconds) == (1, 1, 0.0)
