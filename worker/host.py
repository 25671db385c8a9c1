"""Which worker process has this host: a lock while it lives, a pulse while it runs; knows nothing of its work."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

PULSE_SECONDS = 5.0
SILENT_SECONDS = 60.0
"""Whoever had no pulse for so long is stopped or hangs. By then every lease of its has long run out."""
TAKE_SECONDS = 1.0
"""For so long a lock may be held by somebody who only looks."""


class AnotherWorker(Exception):
    """The operator's: a worker of this installation already runs on this host."""


class Host:
    """A host held for this process until `close`, or until the process dies, however it dies.

    There is one worker process a host and installation: what no box of it owns is a leftover.
    """

    def __init__(self, lock: IO[str]) -> None:
        """Held already; see `own_host`."""
        self._lock = lock
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go of it."""
        self._closed.set()
        self._thread.join()
        self._lock.close()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _beat(self) -> None:
        while not self._closed.wait(PULSE_SECONDS):
            os.utime(self._lock.fileno())


def own_host(path: Path) -> Host:
    """Holds the host of this lock file for this process. Raises AnotherWorker."""
    lock = path.open("a+")
    end = time.monotonic() + TAKE_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            if time.monotonic() < end:
                time.sleep(0.02)
                continue
        lock.seek(0)
        pid = lock.read().strip()
        lock.close()
        raise AnotherWorker(f"a worker of this installation already runs on this host (process {pid})")
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return Host(lock)


def is_masterless(path: Path, now: Callable[[], float] = time.time) -> bool:
    """Whether the worker of this lock file is dead, or has been silent for `SILENT_SECONDS`.

    Where there never was one nothing is known, and so the answer is no. Raises OSError.
    """
    try:
        lock = path.open("rb")
    except FileNotFoundError:
        return False
    with lock:
        silent = now() - os.fstat(lock.fileno()).st_mtime
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return silent > SILENT_SECONDS
        return True
