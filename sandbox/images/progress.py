"""Says what a long job is at, and how long each phase of it took; knows nothing of the job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Progress:
    """Says each phase as it begins and how long it took when it is over."""

    say: Callable[[str], None]
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str, usually: str = "") -> Iterator[None]:
        self.say(f"  {name} ...{f' (usually {usually})' if usually else ''}")
        start = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - start, 2)
        self.say(f"  {name}: {self.seconds[name]:.1f} s")
