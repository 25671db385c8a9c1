"""A worker process whose gradings are scripted by what was submitted: everything of the queue is real, no box is.

A submission is a line `SECONDS`: how long its grading takes, before it is right. Run as `python -m tests.faults.worker` with the
settings in ASSAY_*; SIGTERM stops it in good order.
"""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from api import logs
from api.blobs import Blobs
from api.settings import Settings
from api.store import Store
from challenges.loader import load_all
from sandbox.types import Abandoned
from tests.scripted import Ready, Scripted
from worker.runtimes import Runtimes
from worker.slots import Slots

STEP_SECONDS = 0.02


class ByTheClock(Scripted):
    """Takes the seconds that the file says, and gives up when it is told to, as a box does."""

    def act(self, source: bytes, abandoned: Callable[[], bool]) -> None:
        until = time.monotonic() + float(source)
        while time.monotonic() < until:
            if abandoned():
                raise Abandoned
            time.sleep(STEP_SECONDS)


def main() -> None:
    """Work until SIGTERM."""
    settings = Settings()
    logs.configure("worker", form=settings.log_format, level=settings.log_level)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    store = Store(settings.database, pool_size=settings.slots_in_force + 4)
    scripted: Any = ByTheClock()
    ready: Any = Ready()
    slots = Slots(
        name=f"scripted-{os.getpid()}-{secrets.token_hex(3)}",
        settings=settings,
        store=store,
        uploads=Blobs(settings.blobs_dir),
        challenges=load_all(settings.challenges),
        grading=scripted,
        preparer=ready,
        runtimes=Runtimes({}, lambda _: "", None),
        ring=lambda: None,
    )
    slots.start(lambda: False)
    stop.wait()
    slots.stop()
    store.close()


if __name__ == "__main__":
    main()
