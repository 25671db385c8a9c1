"""Prepared data: the first to record them wins, and a competition wants those of its challenges until it is over."""

from api.store import builds
from tests.store.world import CHALLENGES, World


def test_the_first_build_to_be_recorded_is_everybodys(world: World) -> None:
    assert builds.find(world.store, "alpha", "v1") is None
    first = builds.record(world.store, "alpha", "v1", 0, "a" * 64, "b" * 64)
    assert builds.record(world.store, "alpha", "v1", 0, "c" * 64, "d" * 64) == first
    assert builds.find(world.store, "alpha", "v1") == first
    assert builds.find(world.store, "alpha", "v2") is None


def test_data_are_wanted_from_before_a_competition_opens_until_it_is_over(world: World) -> None:
    assert builds.wanted(world.store) == set(CHALLENGES)
    world.clock.tick(86400)
    assert builds.wanted(world.store) == set()
    world.competition("next", opens_after=3600)
    assert builds.wanted(world.store) == set(CHALLENGES)
