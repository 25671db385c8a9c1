"""Watches a stranger's running service, speaks to it through a relay box, and knows neither its engine nor its purpose.

The service's own output is drained and counted, its clocks are read from outside; the relay is a box of ours that
shares its network and nothing else.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from sandbox.cgroups import Usage
from sandbox.inside.frames import Frame
from sandbox.records import streams
from sandbox.supervisor import CHUNK, CPU_EVERY, Container, SupervisedBox
from sandbox.types import Abandoned, BoxEnded, Ended, Limits, RunResult, SandboxError

STATE_EVERY = 0.25
"""Seconds between two looks at memory, and at whether a silent service still runs."""


class ServiceContainer(Container, Protocol):
    """A container whose first process is a stranger's."""

    def kill(self, signal: str) -> bool:
        """Send a signal to its first process; False if it had ended."""
        ...

    def state(self) -> Mapping[str, Any]:
        """The engine's word on it: Running, ExitCode, OOMKilled; empty if it has none."""
        ...


class Watch:
    """Drains, counts and times one service in a thread of its own, until it is closed."""

    def __init__(self, container: ServiceContainer, limits: Limits) -> None:
        self._container = container
        self._limits = limits
        self._buffer = bytearray()
        self._printed = 0
        self._kept = {1: bytearray(), 2: bytearray()}
        self._usage = Usage(0.0, 0.0, 0)
        self._exit_code: int | None = None
        self._closing = threading.Event()
        self._over = threading.Event()
        self._ended: Ended | None = None
        self.fault = ""
        """What is wrong with the engine, so that nothing is known of the service any more; empty if nothing is."""
        self._thread = threading.Thread(target=self._run, name="service-watch", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> Ended | None:
        """What ended it, None while it may go on."""
        return self._ended

    @property
    def over(self) -> bool:
        """Whether it has ended, or nothing is known of it any more."""
        return self._over.is_set()

    def terminate(self) -> bool:
        """Send SIGTERM to its first process; False if it had ended."""
        return self._container.kill("SIGTERM")

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        return self._over.wait(seconds)

    def close(self) -> RunResult:
        """Stop watching, kill the service, and return the facts. `ended` is EXIT where it was ended by us."""
        self._closing.set()
        self._thread.join()
        if self._ended is None:
            self._look()
        self._container.close()
        return RunResult(
            ended=self._ended or Ended.EXIT,
            exit_code=self._exit_code,
            signal=None,
            cpu_seconds=self._usage.cpu_seconds,
            wall_seconds=0.0,
            peak_memory_mb=self._usage.peak_memory_mb,
            oom_kills=self._usage.oom_kills,
            stdout=bytes(self._kept[1]),
            stderr=bytes(self._kept[2]),
        )

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._container.fileno(), select.POLLIN)
        open_stream = True
        look = 0.0
        while not self._closing.is_set():
            if open_stream:
                if poll.poll(int(1000 * CPU_EVERY)):
                    open_stream = self._drain()
            else:
                self._closing.wait(CPU_EVERY)
            now = time.monotonic()
            if self._ended is None and self._container.cpu_seconds() > self._limits.cpu_seconds:
                self._end(Ended.TIME)
            if now >= look:
                look = now + STATE_EVERY
                self._look()
            if not open_stream and not self._over.is_set() and not self._alive():
                return

    def _drain(self) -> bool:
        """Take what it printed; False when it can print no more: it has ended, or has closed its streams."""
        try:
            data = self._container.receive(CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        for number, payload in streams(self._buffer, data):
            room = max(0, 1024 * self._limits.output_kb - self._printed)
            self._kept.setdefault(number, bytearray()).extend(payload[:room])
            self._printed += len(payload)
        if self._printed > 1024 * self._limits.output_kb:
            self._end(Ended.OUTPUT)
        return bool(data)

    def _look(self) -> None:
        seen = self._container.usage()
        last = self._usage
        self._usage = Usage(
            max(seen.cpu_seconds, last.cpu_seconds),
            max(seen.peak_memory_mb, last.peak_memory_mb),
            max(seen.oom_kills, last.oom_kills),
        )

    def _alive(self) -> bool:
        state = self._container.state()
        if state.get("Running", False):
            return True
        if not state:
            self.fault = "the engine went away while a service ran"
            self._over.set()
            return False
        self._look()
        code = state.get("ExitCode")
        self._exit_code = code if isinstance(code, int) else None
        self._end(Ended.MEMORY if self._usage.oom_kills else Ended.EXIT)
        return False

    def _end(self, how: Ended) -> None:
        self._ended = self._ended or how
        self._over.set()


class SupervisedService:
    """One service with its relay, from the first request to the facts. Used by one thread at a time."""

    def __init__(self, relay: SupervisedBox, watch: Watch, abandoned: Callable[[], bool]) -> None:
        """`relay` must be one that is abandoned as soon as the watch says that the service is over."""
        self._relay = relay
        self._watch = watch
        self._abandoned = abandoned
        self._result: RunResult | None = None
        self._stopped = 0.0
        self._relay_ended: Ended | None = None

    def ask(self, kind: int, json: bytes, raw: bytes = b"", *, cap: int) -> Frame:
        """One question to the relay, one answer. Raises BoxEnded when service or relay are over, and Abandoned."""
        self._raise_if_over()
        try:
            answer = self._relay.ask(kind, json, raw, cap=cap)
        except Abandoned:
            self._raise_if_over()
            raise
        except BoxEnded as error:
            # the relay is ours and capped: what else than its clock ends it was provoked by an answer
            self._relay_ended = Ended.TIME if error.args[0] is Ended.TIME else Ended.PROTOCOL
            raise BoxEnded(self._relay_ended) from error
        return answer

    def stop(self, seconds: float) -> bool:
        """Send SIGTERM; whether it ended in time. Raises BoxEnded if it had ended before, and Abandoned."""
        self._raise_if_over()
        begin = time.monotonic()
        if not self._watch.terminate():
            self._watch.wait(STATE_EVERY + 1)  # until the watch has seen why
            self._raise_if_over()
            raise BoxEnded(Ended.EXIT)
        while not self._watch.wait(CPU_EVERY) and time.monotonic() - begin < seconds:
            if self._abandoned():
                raise Abandoned
        self._stopped = time.monotonic() - begin
        return self._watch.ended is Ended.EXIT

    def finish(self) -> RunResult:
        """End both, remove them and return the facts of the service; may be called again.

        Raises SandboxError when the engine failed meanwhile.
        """
        if self._result is None:
            found = self._watch.close()
            relay = self._relay.finish()
            if self._watch.fault:
                raise SandboxError(self._watch.fault)
            ended = found.ended if self._watch.ended else self._relay_ended or found.ended
            self._result = replace(found, ended=ended, wall_seconds=relay.wall_seconds + self._stopped)
        return self._result

    def _raise_if_over(self) -> None:
        if self._watch.fault:
            raise SandboxError(self._watch.fault)
        if self._watch.ended is not None:
            raise BoxEnded(self._watch.ended)
        if self._relay_ended is not None:
            raise BoxEnded(self._relay_ended)
