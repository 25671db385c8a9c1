"""`assay capacity`: the model against figures of another simulation and against arithmetic, and what the command says."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.settings import Settings
from api.store import Store, judgings, workers
from cli.capacity import LAST_SECONDS, Event, arrivals, of_mean, of_measured, percentile, slots_for, waits
from tests.cli.conftest import Assay
from tests.store.world import CHALLENGES, World, report

BOOTCAMP = Event(people=30, submissions=40, window_seconds=8 * 3600, rush_seconds=1800)
UNIVERSITY = Event(people=3000, submissions=12, window_seconds=86400, rush_seconds=7200)


@pytest.mark.parametrize(
    ("event", "mean", "slots", "p95", "queue", "drained"),
    [
        (BOOTCAMP, 45, 2, 7200, 400, 8640),
        (BOOTCAMP, 45, 4, 2820, 322, 3540),
        (BOOTCAMP, 45, 8, 900, 220, 1320),
        (UNIVERSITY, 30, 32, 6000, 7942, 7920),
        (UNIVERSITY, 30, 64, 1500, 4652, 2700),
    ],
)
def test_it_agrees_with_a_simulation_that_was_made_before_it(
    event: Event, mean: float, slots: int, p95: float, queue: int, drained: float
) -> None:
    """Of the plans: one run each, by another program from the same description."""
    found = waits(event, of_mean(mean), slots)
    assert found.p95 == pytest.approx(p95, rel=0.25)
    assert found.longest_queue == pytest.approx(queue, rel=0.15)
    assert found.drained_seconds == pytest.approx(drained, rel=0.2)


def test_arrivals_have_the_shape_that_is_described() -> None:
    came = arrivals(Event(1000, 50, 36000, 1800), random.Random(7))
    assert came == sorted(came)
    assert came[0] >= 0
    assert came[-1] <= 36000
    evenly = 0.65 * 1800 / 36000
    share = sum(at >= 36000 - 1800 for at in came) / len(came)
    assert share == pytest.approx(0.35 + evenly, abs=0.01)
    last = sum(at >= 36000 - LAST_SECONDS for at in came) / len(came)
    assert last > 0.35 * 0.15 + 0.35 * 0.85 * LAST_SECONDS / 1800, "denser towards the end"


def test_services_that_never_meet_wait_for_nobody() -> None:
    calm = waits(Event(2, 2, 1e6, 1e6), of_measured({"alpha": [0.001]}), 4)
    assert (calm.p99, calm.longest_queue, calm.rush_p95) == (0, 0, 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 8), st.floats(1, 60))
def test_more_slots_are_never_worse(people: int, submissions: int, slots: int, mean: float) -> None:
    event = Event(people, submissions, 3600, 600)
    few, more = (waits(event, of_mean(mean), count, runs=1) for count in (slots, slots + 1))
    assert more.p95 <= few.p95
    assert more.longest_queue <= few.longest_queue
    assert more.drained_seconds <= few.drained_seconds + 1e-6


def test_the_slots_it_names_are_the_fewest() -> None:
    draw = of_mean(45)
    enough = slots_for(BOOTCAMP, draw, 600)
    assert enough is not None
    assert waits(BOOTCAMP, draw, enough).rush_p95 <= 600 < waits(BOOTCAMP, draw, enough - 1).rush_p95
    assert slots_for(BOOTCAMP, draw, 0, most=4) is None
    assert slots_for(Event(1, 1, 3600, 60), draw, 0) == 1


def test_percentiles_are_nearest_ranks() -> None:
    assert [percentile(range(1, 101), share) for share in (0.5, 0.95, 0.99, 1)] == [50, 95, 99, 100]
    assert percentile([], 0.5) == 0


@pytest.mark.parametrize("event", [(0, 1), (1, 0)])
def test_nothing_to_simulate(event: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="a submission"):
        waits(Event(*event, 3600, 60), of_mean(1), 1)


def test_the_command_says_ready_or_not_and_how_many_it_takes(assay: Assay) -> None:
    few = assay("capacity", "--people", 30, "--service-seconds", 45, "--slots", 2)
    assert few.exit_code == 1
    assert "1200 submissions of 30 people in 8 hours, 2 slots" in few.output
    needed = int(few.output.split("rush takes ")[1].split()[0])
    assert "NOT READY" in few.output
    enough = assay("capacity", "--people", 30, "--service-seconds", 45, "--slots", needed, "--json")
    assert enough.exit_code == 0, enough.output
    told = json.loads(enough.stdout)
    assert (told["ready"], told["slots_needed"], told["submissions"]) == (True, needed, 1200)


@pytest.fixture
def world(home: Path) -> World:
    """The installation of the working folder, its challenges not judged yet."""
    chosen = Settings()
    chosen.prepare()
    store = Store(chosen.database)
    store.migrate()
    store.close()
    return World.at(chosen.database)


def test_service_times_are_those_that_were_measured(assay: Assay, world: World) -> None:
    for number, challenge in enumerate(CHALLENGES):
        for name in ("ann", "ben"):
            world.submit(name, challenge)
            claim = world.claimed()
            world.clock.tick(10 * (number + 1))
            assert judgings.commit(world.store, claim, report(80), evidence={})
        if number == 0:
            refused = assay("capacity", "cup")
            assert refused.exit_code == 1
            assert "never judged here, so nobody knows how long it takes: beta, gamma" in " ".join(
                refused.output.split()
            )
    alone = assay("capacity", "cup", "--submissions", 1, "--hours", 100, "--slots", 1, "--json")
    told = json.loads(alone.stdout)
    assert (told["submissions"], told["slots"], told["ready"]) == (2, 1, True)
    assert told["upload_megabytes"] == pytest.approx(2 * 10 * 1.3 / 1e6)
    busy = json.loads(assay("capacity", "cup", "--people", 100, "--submissions", 90, "--hours", 10, "--json").stdout)
    # 9000 judgings of 20 s on the mean
    assert busy["slots_needed"] == pytest.approx(9000 * (20 / 600) * 0.35 / 3, rel=0.5)
    world.store.close()


def test_slots_are_those_of_the_workers_that_live(assay: Assay, world: World) -> None:
    real = Store(Settings().database)  # who lives is a matter of the database's own clock
    workers.heartbeat(real, "w", 7)
    real.close()
    for challenge in CHALLENGES:
        world.submit("ann", challenge)
        world.judge(report(80))
    world.store.close()
    told = json.loads(assay("capacity", "cup", "--json").stdout)
    assert told["slots"] == 7


def test_what_it_cannot_know_it_asks_for(assay: Assay, world: World) -> None:
    world.store.close()
    for args, said in (
        ((), "--people"),
        (("--people", 3), "--service-seconds"),
        (("nowhere", "--people", 3), "There is no competition nowhere"),
        (("cup",), "--people"),
    ):
        result = assay("capacity", *args)
        assert result.exit_code == 2, result.output
        assert said in " ".join(result.output.split())
