"""How much is measured: enough to believe it, or just enough to see that it works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Effort:
    """Numbers of runs and seconds of each part."""

    runs: Mapping[str, int]
    """Rounds of part 1, by program."""
    sustained_seconds: float
    idle_runs: int
    people_per_slot: int
    saturated_seconds: float
    idle_seconds: float
    people: int
    each: int
    """Submissions a person in a full queue: more than can be claimed in the time."""
    claim_rounds: int
    claim_seconds: float
    deaths: frozenset[str]
    """Databases with which the death of a worker is measured."""
    board_entries: tuple[int, ...]
    board_requests: int
    worker: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the workers whose death is measured, other than the defaults."""


FULL = Effort(
    runs={"trivial": 40, "sklearn": 20},
    sustained_seconds=60,
    idle_runs=20,
    people_per_slot=4,
    saturated_seconds=60,
    idle_seconds=60,
    people=300,
    each=20,
    claim_rounds=4,
    claim_seconds=4,
    deaths=frozenset({"sqlite", "postgres"}),
    board_entries=(1_000, 10_000, 100_000),
    board_requests=300,
)
QUICK = Effort(
    runs={"trivial": 2},
    sustained_seconds=1,
    idle_runs=1,
    people_per_slot=1,
    saturated_seconds=0.5,
    idle_seconds=1,
    people=20,
    each=20,
    claim_rounds=1,
    claim_seconds=0.5,
    deaths=frozenset({"sqlite"}),
    board_entries=(100,),
    board_requests=10,
    worker={
        "lease_seconds": 3,
        "fence_seconds": 2,
        "renew_seconds": 0.5,
        "sweep_seconds": 0.3,
        "retry_base_seconds": 0.1,
    },
)
