"""Removes this installation's containers and images that belong to nobody alive; a host's one worker runs it."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

import structlog

from sandbox.types import SandboxError

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


class AnotherWorker(Exception):
    """The operator's: a worker of this installation already runs on this host."""


def own_host(path: Path) -> IO[str]:
    """Holds the host for this worker until the file is closed or the process dies, however it dies.

    There is one worker process a host and installation: what no box of it owns is a leftover. Raises AnotherWorker.
    """
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        pid = lock.read().strip()
        lock.close()
        raise AnotherWorker(f"a worker of this installation already runs on this host (process {pid})") from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def reap(containers: Containers) -> int:
    """One pass; the number of containers and builds removed."""
    try:
        found = containers.leftovers()
        builds = containers.leftover_builds()
    except SandboxError as error:
        log.warning("reaper.blind", error=str(error))
        return 0
    removed = sum(containers.remove(name) for name in found) + sum(containers.remove_build(one) for one in builds)
    if found or builds:
        log.warning("reaper.removed", removed=removed, found=len(found) + len(builds))
    return removed


class Reaper:
    """Reaps at once and then every `EVERY_SECONDS`, in a thread of its own."""

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
