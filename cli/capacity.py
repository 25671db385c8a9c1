"""`assay capacity`: what a rush will ask of the slots there are; a model and its arithmetic, knows no server.

Arrivals: 65 % evenly over the window, 35 % in the rush before its end; of these 85 % with a density that rises
exponentially (time constant: a third of the rush) and 15 % evenly in the last five minutes. This shape is an assumption
that a season's own figures should replace. Service times are drawn from those measured, the challenge at random first;
where there are none, from a lognormal distribution (sigma 1, cut at 600 s) of the mean that is given.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

RUSH_SHARE = 0.35
LAST_SHARE = 0.15
LAST_SECONDS = 300.0
SIGMA = 1.0
LONGEST_SECONDS = 600.0
RUNS = 7
"""Simulations, of which the median counts: one alone is luck."""

Draw = Callable[[random.Random], float]


@dataclass(frozen=True)
class Event:
    """What is to come: people, submissions of each, seconds from beginning to deadline and of the rush before it."""

    people: int
    submissions: int
    window_seconds: float
    rush_seconds: float

    @property
    def total(self) -> int:
        return self.people * self.submissions


@dataclass(frozen=True)
class Waits:
    """Seconds from receipt to claim, and what is left at the deadline; medians of several simulations."""

    slots: int
    p50: float
    p95: float
    p99: float
    rush_p95: float
    """Of what comes in the rush: what an organiser promises."""
    longest_queue: int
    drained_seconds: float
    """From the deadline until the last verdict."""
    verdict_p50: float
    """From receipt to verdict."""
    verdict_p95: float


def arrivals(event: Event, dice: random.Random) -> list[float]:
    """When submissions come, in seconds from the beginning, in order."""
    end, rush = event.window_seconds, event.rush_seconds
    tau = rush / 3
    found = []
    for _ in range(event.total):
        if dice.random() >= RUSH_SHARE:
            found.append(dice.uniform(0, end))
        elif dice.random() < LAST_SHARE:
            found.append(end - dice.uniform(0, min(LAST_SECONDS, rush)))
        else:
            before = -tau * math.log(1 - dice.random() * (1 - math.exp(-rush / tau)))
            found.append(end - before)
    return sorted(found)


def of_measured(seconds: Mapping[str, Sequence[float]]) -> Draw:
    """Service times as they were measured: a challenge at random, and one of its judgings."""
    kinds = list(seconds.values())
    return lambda dice: dice.choice(dice.choice(kinds))


def of_mean(mean: float) -> Draw:
    """Lognormal service times of this mean."""
    mu = math.log(mean) - SIGMA**2 / 2
    return lambda dice: min(LONGEST_SECONDS, dice.lognormvariate(mu, SIGMA))


def waits(event: Event, draw: Draw, slots: int, *, seed: int = 0, runs: int = RUNS) -> Waits:
    """What happens with so many slots, served in the order of receipt. Raises ValueError for no slots or no people."""
    if slots < 1 or event.total < 1:
        raise ValueError("there must be a slot and a submission")
    all_runs = [_run(event, draw, slots, random.Random(seed + number)) for number in range(runs)]
    middle = [sorted(values)[runs // 2] for values in zip(*all_runs, strict=True)]
    p50, p95, p99, rush_p95, longest, drained, verdict_p50, verdict_p95 = middle
    return Waits(slots, p50, p95, p99, rush_p95, round(longest), drained, verdict_p50, verdict_p95)


def slots_for(event: Event, draw: Draw, promise_seconds: float, *, most: int = 4096, seed: int = 0) -> int | None:
    """The fewest slots with which 95 of 100 wait no longer than promised in the rush; None if `most` are too few."""
    high = 1
    while waits(event, draw, high, seed=seed).rush_p95 > promise_seconds:
        high *= 2
        if high > most:
            return None
    low = high // 2  # too few, or 0
    while high - low > 1:
        middle = (low + high) // 2
        if waits(event, draw, middle, seed=seed).rush_p95 > promise_seconds:
            low = middle
        else:
            high = middle
    return high


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the sorted values does not exceed (nearest rank); 0 of none."""
    return values[max(0, math.ceil(share * len(values)) - 1)] if values else 0.0


def _run(event: Event, draw: Draw, slots: int, dice: random.Random) -> tuple[float, ...]:
    free = [0.0] * slots
    came = arrivals(event, dice)
    begun = []
    took = []
    last = 0.0
    for at in came:
        start = max(at, heapq.heappop(free))
        end = start + draw(dice)
        heapq.heappush(free, end)
        begun.append(start)
        took.append(end - at)
        last = max(last, end)
    waited = sorted(start - at for at, start in zip(came, begun, strict=True))
    took.sort()
    rush_begins = event.window_seconds - event.rush_seconds
    rushed = sorted(start - at for at, start in zip(came, begun, strict=True) if at >= rush_begins)
    return (
        percentile(waited, 0.5),
        percentile(waited, 0.95),
        percentile(waited, 0.99),
        percentile(rushed, 0.95),
        _longest(came, begun),
        max(0.0, last - event.window_seconds),
        percentile(took, 0.5),
        percentile(took, 0.95),
    )


def _longest(came: Sequence[float], begun: Sequence[float]) -> int:
    """The most that waited at one moment; both are in order, because who comes first is served first."""
    longest = served = 0
    for number, at in enumerate(came, 1):
        while served < len(begun) and begun[served] <= at:
            served += 1
        longest = max(longest, number - served)
    return longest
