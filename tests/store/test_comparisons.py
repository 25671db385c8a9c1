"""Comparisons as tasks: one worker at a time, another after its lease, given up after three; who is compared with whom."""

from __future__ import annotations

from api.store import comparisons, erase
from api.store.comparisons import LEASE, Pair
from api.store.tables import ComparisonState
from tests.store.test_rules import code, season
from tests.store.world import World

STAFF = 1


def ask(world: World, challenge: str = "alpha") -> comparisons.ComparisonView:
    return comparisons.ask(world.store, "season", challenge, by=STAFF)


def claim(world: World) -> comparisons.Task | None:
    return comparisons.claim(world.store, ["alpha", "beta", "gamma"])


def test_one_at_a_time_until_it_is_done(world: World) -> None:
    season(world)
    assert claim(world) is None
    made = ask(world)
    assert ask(world).id == made.id, "it waits already"
    assert comparisons.claim(world.store, ["beta"]) is None, "who has not the challenge cannot"
    task = claim(world)
    assert task is not None
    assert claim(world) is None, "somebody is at it"
    a, b = (world.submit(who, competition="season") for who in ("ann", "ben"))
    comparisons.finish(world.store, task, [Pair(a, b, 0.9, 0.8, [[1, 2, 3, 4]])])
    found = comparisons.find(world.store, "season", made.id)
    assert (found.state, found.pairs[0].entry_a, found.pairs[0].regions) == (
        ComparisonState.done,
        "ann",
        [[1, 2, 3, 4]],
    )
    assert [(one.id, one.pairs) for one in comparisons.listed(world.store, "season")] == [(made.id, [])]
    assert code(comparisons.find, world.store, "cup", made.id) == "not_found"
    assert code(ask, world, "nothing") == "unknown_challenge"
    assert ask(world).id != made.id, "asked for again it is done again"


def test_a_worker_that_dies_is_followed_by_another_and_three_are_enough(world: World) -> None:
    season(world)
    made = ask(world)
    for _ in range(3):
        assert claim(world) is not None
        world.clock.tick(LEASE.total_seconds() + 1)
    assert claim(world) is None
    assert comparisons.find(world.store, "season", made.id).state is ComparisonState.failed
    again = ask(world)
    task = claim(world)
    assert task is not None
    comparisons.give_back(world.store, task)
    assert claim(world) is not None, "at once"
    comparisons.give_back(world.store, task, failed=True)
    assert comparisons.find(world.store, "season", again.id).state is ComparisonState.failed


def test_the_last_three_of_each_entry_each_content_once(world: World) -> None:
    season(world, "ann,Owls\nben,Owls\ncy,\n", "name,team", team_size=2)
    sent = [
        world.submit(who, competition="season", digest=digest * 64)
        for who, digest in (("ann", "1"), ("ann", "2"), ("ben", "3"), ("ben", "3"), ("ann", "4"), ("cy", "3"))
    ]
    world.submit("cy", "gamma", competition="season")
    ask(world)
    task = claim(world)
    assert task is not None
    assert {one.submission for one in task.sources} == {sent[1], sent[3], sent[4], sent[5]}
    assert len({one.entry for one in task.sources}) == 2
    comparisons.give_back(world.store, task)
    erase.person(world.store, world.ids["cy"], by=STAFF)
    again = claim(world)
    assert again is not None
    assert sent[5] not in {one.submission for one in again.sources}, "what is erased is not read"
