"""Removes this installation's containers and builds that belong to nobody alive; knows no judging.

A worker reaps what it has lost track of itself. What a dead or silent worker leaves behind is for a process of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from sandbox.types import SandboxError
from worker.host import is_masterless

log = structlog.get_logger(__name__)

EVERY_SECONDS = 15.0


class Containers(Protocol):
    """What the reaper needs of a sandbox."""

    def leftovers(self) -> list[str]:
        """Names of this installation's containers that no box of this process owns. Raises SandboxError."""
        ...

    def remove(self, name: str) -> bool:
        """Whether the container is gone."""
        ...

    def leftover_builds(self) -> set[str]:
        """Builds of this installation of which something is left though nobody uses it. Raises SandboxError."""
        ...

    def remove_build(self, build: str) -> bool:
        """Whether nothing of the build is left."""
        ...


@dataclass(frozen=True)
class Leftovers:
    """What belongs to nobody: names of containers, and builds."""

    containers: list[str]
    builds: set[str]

    def __len__(self) -> int:
        return len(self.containers) + len(self.builds)


def look(containers: Containers) -> Leftovers:
    """What is left over now. Raises SandboxError."""
    return Leftovers(containers.leftovers(), containers.leftover_builds())


def remove(containers: Containers, found: Leftovers) -> int:
    """Removes these; how many are gone."""
    removed = sum(containers.remove(name) for name in found.containers)
    removed += sum(containers.remove_build(one) for one in found.builds)
    if found:
        log.warning("reaper.removed", removed=removed, found=len(found))
    return removed


def reap(containers: Containers) -> int:
    """One pass; the number of containers and builds removed."""
    try:
        return remove(containers, look(containers))
    except SandboxError as error:
        log.warning("reaper.blind", error=str(error))
        return 0


def reap_masterless(containers: Containers, lock: Path) -> int:
    """One pass over what a worker left behind that is dead or silent; nothing where it lives. `lock` is its host's.

    Looks first and asks afterwards: what a worker begins that starts meanwhile was not seen.
    Raises SandboxError, OSError.
    """
    found = look(containers)
    return remove(containers, found) if found and is_masterless(lock) else 0


class Reaper:
    """Reaps for a worker, at once and then every `EVERY_SECONDS`, in a thread of its own."""

    def __init__(self, containers: Containers, removed: Callable[[int], None] = lambda _: None) -> None:
        """`removed` hears how much a pass removed."""
        self._containers = containers
        self._removed = removed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="reaper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, within the pass that may be going on."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _loop(self) -> None:
        while True:
            self._removed(reap(self._containers))
            if self._stop.wait(EVERY_SECONDS):
                return


def run(connect: Callable[[], Containers], lock: Path, stop: threading.Event, alive: Path | None = None) -> None:
    """The process: reaps what is masterless every `EVERY_SECONDS`, until told to stop.

    `connect` reaches the engine or raises SandboxError; an engine that is away is asked again. `alive` is touched
    after each pass that has seen it.
    """
    containers: Containers | None = None
    log.info("reaper.started")
    while not stop.is_set():
        try:
            containers = containers or connect()
            reap_masterless(containers, lock)
            if alive is not None:
                alive.touch()
        except (SandboxError, OSError) as error:
            log.warning("reaper.blind", error=str(error))
        stop.wait(EVERY_SECONDS)
