"""One process of a judge that runs on one machine: its words, its end, and another one when it dies; knows no other."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO

BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
SOUND_SECONDS = 60.0
"""A child that has lived for so long is sound: its next death is its first."""
SETTLED_SECONDS = 2.0
"""The most the last words of a process that has ended may take to arrive."""
WIDTH = 6


class Child:
    """One process of ours: its words with its name before them, and another one when it dies."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        self.name = name
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._started = 0.0
        self._deaths = 0
        self._again = 0.0

    def start(self) -> None:
        """Start it. Its standard input is a pipe from us, which ends when we do, however that may be."""
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", self.name, "--with-parent"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for us; we tell it
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=_echo, args=(self.name, self._process.stdout), daemon=True)
        self._reader.start()

    def ended(self) -> int | None:
        """Its exit code once it has ended and all it said is told; negative for a signal."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is not None and self._reader is not None:
            self._reader.join(SETTLED_SECONDS)
        return code

    def mend(self) -> None:
        """Start another one if it has died, the later the more often it has."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._again:
                try:
                    self.start()
                except OSError as error:
                    say("serve", f"the {self.name} cannot be started: {error.strerror}")
                    self._again = now + BACKOFF_SECONDS[-1]
            return
        code = self.ended()
        if code is None:
            return
        self._deaths = 1 if now - self._started > SOUND_SECONDS else self._deaths + 1
        pause = BACKOFF_SECONDS[min(self._deaths, len(BACKOFF_SECONDS)) - 1]
        say("serve", f"the {self.name} has ended (exit code {code}); it is started again in {pause:g} s")
        self._process = None
        self._again = now + pause

    def tell(self) -> None:
        """Ask it to stop in good order."""
        if self._process is not None:
            self._process.terminate()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        if self._reader is not None:
            self._reader.join(SETTLED_SECONDS)
        return True

    def kill(self) -> None:
        """End it now."""
        if self._process is not None:
            self._process.kill()


def say(name: str, line: str) -> None:
    """One line of the log, whoever it is from; nobody reading is no reason to fail."""
    with suppress(BrokenPipeError, ValueError):
        sys.stdout.write(f"{name:{WIDTH}} | {line}\n")
        sys.stdout.flush()


def _echo(name: str, stream: IO[bytes]) -> None:
    with stream:
        while line := stream.readline(16 * 1024):
            say(name, line.decode("utf-8", "replace").rstrip())
