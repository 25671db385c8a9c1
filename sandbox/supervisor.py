"""Owns a box's pipes, clock and limits and is the only source of facts about it; knows no engine and no challenge."""

from __future__ import annotations

import json
import math
import secrets
import select
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from sandbox.cgroups import Usage
from sandbox.inside.frames import HEADER, RAISED, BadFrame, Frame, header
from sandbox.records import BadRecord, Records, record
from sandbox.types import Abandoned, BoxEnded, Ended, Job, RunResult, SandboxError, never

CHUNK = 1 << 16
CPU_EVERY = 0.05
"""Seconds between two looks at the cpu clock; the most a run can overdraw."""
START_SECONDS = 60.0
"""For the engine and the imports before the submission starts; beyond it the host is at fault."""
AWAKE_SECONDS = 2.0
"""For a box that was made ahead to say that it is still there."""
BOOT = (
    "import os\n"
    "def r(n,b=b''):\n"
    " while len(b)<n:\n"
    "  p=os.read(0,n-len(b))\n"
    "  if not p: os._exit(0)\n"
    "  b+=p\n"
    " return b\n"
    "exec(compile(r(int(r(8),16)),'shim','exec'),{'__name__':'__main__'})"
)
INSIDE = Path(__file__).parent / "inside"
SHIM = (INSIDE / "shim.py").read_bytes()
LIBRARY: Mapping[str, bytes] = {
    "sandbox/__init__.py": b"",
    **{
        f"sandbox/inside/{path.name}": path.read_bytes()
        for path in sorted(INSIDE.glob("*.py"))
        if path.name != "shim.py"
    },
}
"""The modules every box gets, by the path they are imported from."""


class Container(Protocol):
    """What the supervisor needs of a started container: its attach stream, its clocks and its end."""

    def fileno(self) -> int:
        """The attach socket, for poll."""
        ...

    def send(self, data: memoryview) -> int:
        """Send without blocking; the number of bytes taken. Raises BlockingIOError, OSError."""
        ...

    def receive(self, size: int) -> bytes:
        """Receive without blocking; empty at the end. Raises BlockingIOError, OSError."""
        ...

    def cpu_seconds(self) -> float:
        """Cpu time so far, or the last known once it is dead."""
        ...

    def usage(self) -> Usage:
        """All facts, read while it lives; once it is dead the last known and the engine's own word on memory."""
        ...

    def broken(self) -> str:
        """Asked once its stream has ended: what is wrong with the engine if that is why, empty if the box has ended.

        Waits until the engine knows.
        """
        ...

    def close(self) -> None:
        """Kill and remove it; never blocks on the box."""
        ...


class SupervisedBox:
    """One box, from the first byte to the facts: `warm`, `start`, `ask` or `wait`, `finish`. One thread at a time."""

    def __init__(self, container: Container, job: Job) -> None:
        """`job` says what to import; the one that is started may be another of the same runtime and modules."""
        self._container = container
        self._job = job
        self._abandoned: Callable[[], bool] = never
        self._outgoing = bytearray()
        self._records = Records()
        self._channel = bytearray()
        self._channel_room = 0
        self._kept = {b"O": bytearray(), b"E": bytearray()}
        self._printed = 0
        self._noise = bytearray()
        self._ready: bytes | None = None
        self._awake: bool | None = None
        """False while it is asked, None before."""
        self._files: list[bytearray | None] = [None] * len(job.outputs)
        self._whole: set[int] = set()
        self._exit: dict[str, int] = {}
        self._ended: Ended | None = None
        self._waited = 0.0
        self._cpu_start = 0.0
        self._cpu_end = math.inf
        self._result: RunResult | None = None

    def warm(self, abandoned: Callable[[], bool] = never, seconds: float = START_SECONDS) -> None:
        """Load the shim and the declared modules, all before anything of the submission is in the box.

        Raises SandboxError when the box does not come up or the runtime lacks a declared module, and Abandoned.
        """
        self._abandoned = abandoned
        self._outgoing += b"%08x" % len(SHIM) + SHIM
        self._outgoing += record(b"J", json.dumps({"modules": self._job.modules}).encode())
        self._pump(lambda: self._ready is not None, seconds, charged=False)
        if self._ready is None:
            said = bytes(self._noise[-500:]).decode("utf-8", "replace")
            raise SandboxError(f"the box did not become ready (ended by {self._ended}): {said}")
        missing = json.loads(self._ready)["missing"]
        if missing:
            raise SandboxError(f"runtime {self._job.runtime} cannot import {'; '.join(missing)}")

    def awake(self) -> bool:
        """Whether a box that has waited is still there, untouched: it answers, and has said nothing of itself."""
        if self._ended is not None:
            return False
        self._awake = False
        self._outgoing += record(b"A", b"")
        try:
            self._pump(lambda: bool(self._awake), AWAKE_SECONDS, charged=False)
        except SandboxError:
            return False
        return bool(self._awake) and self._ended is None

    def start(self, job: Job, abandoned: Callable[[], bool] = never) -> None:
        """Hand over the files and let the submission begin; from here on its clocks run."""
        self._job, self._abandoned = job, abandoned
        self._files = [None] * len(job.outputs)
        self._cpu_end = job.limits.cpu_seconds
        self._printed = 0
        shared = {**LIBRARY, **job.library}
        start = {
            "entry": job.entry,
            "argv": job.argv,
            "outputs": job.outputs,
            "library": [[name, len(data)] for name, data in shared.items()],
            "files": [[name, len(data)] for name, data in job.files.items()],
        }
        head = json.dumps(start).encode()
        self._cpu_start = self._container.cpu_seconds()
        parts = [len(head).to_bytes(4, "big"), head, *shared.values(), *job.files.values()]
        self._outgoing += record(b"S", b"".join(parts))

    def ask(
        self,
        kind: int,
        json: bytes,
        raw: bytes = b"",
        *,
        cap: int,
        cpu_seconds: float = math.inf,
        wall_seconds: float = math.inf,
    ) -> Frame:
        """One question, one answer: it repeats the question's random id, has at most `cap` bytes and nothing behind it.

        `cpu_seconds` and `wall_seconds` bound this question within the job's own limits. Raises BoxEnded, Abandoned,
        and SandboxError when the engine fails meanwhile.
        """
        self._raise_if_over()
        id = secrets.token_bytes(16)
        self._channel_room = HEADER.size + cap
        question = Frame(kind, id, json, raw).pack()
        for at in range(0, len(question), CHUNK):
            self._outgoing += record(b"C", question[at : at + CHUNK])
        left = self._job.limits.wall_seconds - self._waited
        if cpu_seconds < self._job.limits.cpu_seconds:
            self._cpu_end = min(self._job.limits.cpu_seconds, self.cpu_seconds() + cpu_seconds)
        self._pump(lambda: self._answer_size(id, cap) is not None, min(left, wall_seconds))
        self._cpu_end = self._job.limits.cpu_seconds
        self._raise_if_over()
        size = self._answer_size(id, cap)
        if size is None:
            self._end(Ended.TIME)
        self._raise_if_over()
        answer, self._channel = bytes(self._channel), bytearray()
        self._channel_room = 0
        got, _, json_size, _ = header(answer[: HEADER.size], cap)
        split = HEADER.size + json_size
        return Frame(got, id, answer[HEADER.size : split], answer[split:])

    def wait(self) -> RunResult:
        """Let a program run to its end, bring its files and return the facts. Raises Abandoned, SandboxError."""
        self._channel_room = CHUNK
        self._pump(lambda: False, self._job.limits.wall_seconds)
        self._end(Ended.TIME)
        return self.finish()

    def cpu_seconds(self) -> float:
        """Cpu time of the whole box since the submission started."""
        return max(0.0, self._container.cpu_seconds() - self._cpu_start)

    def finish(self) -> RunResult:
        """Read the facts while the box lives, end it, and return them; may be called again."""
        if self._result is None:
            usage = self._container.usage()
            self._container.close()
            self._result = self._facts(usage)
        return self._result

    def _facts(self, usage: Usage) -> RunResult:
        ended = self._ended or Ended.EXIT
        code, signal = self._exit.get("exit"), self._exit.get("signal")
        if self._ended is Ended.EXIT and code is None:
            ended = Ended.SIGNAL
        if ended is Ended.SIGNAL and usage.oom_kills:
            ended = Ended.MEMORY
        named = zip(self._job.outputs, self._files, strict=True)
        return RunResult(
            ended=ended,
            exit_code=code,
            signal=signal,
            cpu_seconds=max(0.0, usage.cpu_seconds - self._cpu_start),
            wall_seconds=self._waited,
            peak_memory_mb=usage.peak_memory_mb,
            oom_kills=usage.oom_kills,
            stdout=bytes(self._kept[b"O"]),
            stderr=bytes(self._kept[b"E"]),
            files={name: bytes(data) for i, (name, data) in enumerate(named) if data is not None and i in self._whole},
            raised=self._outline(),
        )

    def _outline(self) -> Frame | None:
        """The outline of an exception a program may have left on its channel; a diagnostic like stderr."""
        try:
            kind, id, size, raw = header(bytes(self._channel[: HEADER.size]).ljust(HEADER.size), CHUNK)
        except BadFrame:
            return None
        body = bytes(self._channel[HEADER.size :])
        return Frame(kind, id, body) if kind == RAISED and not raw and len(body) == size else None

    def _end(self, how: Ended) -> None:
        self._ended = self._ended or how

    def _raise_if_over(self) -> None:
        if self._ended is not None:
            raise BoxEnded(self._ended)

    def _answer_size(self, id: bytes, cap: int) -> int | None:
        """Bytes of the answer once it is whole; ends the run for anything that is not exactly that answer."""
        if len(self._channel) < HEADER.size:
            return None
        try:
            _, got, json_size, raw_size = header(bytes(self._channel[: HEADER.size]), cap)
        except BadFrame:
            self._end(Ended.PROTOCOL)
            return None
        size = HEADER.size + json_size + raw_size
        if got != id or len(self._channel) > size:
            self._end(Ended.PROTOCOL)
            return None
        return size if len(self._channel) == size else None

    def _pump(self, done: Callable[[], bool], seconds: float, *, charged: bool = True) -> None:
        """Move bytes both ways until `done()`, the end of the box or the deadline, and keep its limits meanwhile."""
        begin = time.monotonic()
        look = begin
        poll = select.poll()
        fd = self._container.fileno()
        while self._ended is None and not done():
            now = time.monotonic()
            if now - begin >= seconds:
                break
            if self._abandoned():
                raise Abandoned
            if charged and now >= look:
                look = now + CPU_EVERY
                if self.cpu_seconds() > self._cpu_end:
                    self._end(Ended.TIME)
                    break
            poll.register(fd, select.POLLIN | (select.POLLOUT if self._outgoing else 0))
            for _, event in poll.poll(max(1, int(1000 * min(CPU_EVERY, begin + seconds - now)))):
                if event & select.POLLOUT:
                    self._send()
                if event & (select.POLLIN | select.POLLHUP | select.POLLERR):
                    self._receive()
        if charged:
            self._waited += time.monotonic() - begin

    def _gone(self) -> None:
        """The stream has ended: with the whole box, or with the engine, which says nothing about the submission."""
        if self._ended is None and (why := self._container.broken()):
            raise SandboxError(why)
        self._end(Ended.SIGNAL)

    def _send(self) -> None:
        try:
            with memoryview(self._outgoing) as view:
                sent = self._container.send(view[: 1 << 20])
        except BlockingIOError:
            return
        except OSError:
            self._gone()
            return
        del self._outgoing[:sent]

    def _receive(self) -> None:
        try:
            data = self._container.receive(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._gone()
            return
        try:
            for kind, payload in self._records.feed(data):
                self._handle(kind, payload)
        except BadRecord:
            self._end(Ended.PROTOCOL)

    def _handle(self, kind: bytes, data: bytes) -> None:
        if self._ended is not None:
            return
        if kind == b"C":
            if len(self._channel) + len(data) > self._channel_room:
                self._end(Ended.PROTOCOL)  # unasked, or more than was asked for
            else:
                self._channel += data
        elif kind in (b"O", b"E"):
            self._keep(self._kept[kind], data)
        elif kind == b"!":
            self._keep(self._noise, data)
        elif kind == b"F":
            self._bring(data)
        elif kind == b"X":
            self._exit = _exit(data)
            self._end(Ended.EXIT)
        elif kind == b"R" and self._ready is None:
            self._ready = data
        elif kind == b"A" and self._awake is False:
            self._awake = True
        else:
            self._end(Ended.PROTOCOL)

    def _keep(self, kept: bytearray, data: bytes) -> None:
        cap = 1024 * self._job.limits.output_kb
        room = max(0, cap - self._printed)
        kept += data[:room]
        self._printed += len(data)
        if self._printed > cap:
            self._end(Ended.OUTPUT)

    def _bring(self, data: bytes) -> None:
        index = data[0] if data else len(self._files)
        if index >= len(self._files) or index in self._whole:
            self._end(Ended.PROTOCOL)
            return
        file = self._files[index] = self._files[index] or bytearray()
        file += data[1:]
        if len(data) == 1:
            self._whole.add(index)
        elif sum(len(one) for one in self._files if one) > 1024 * self._job.limits.output_kb:
            self._end(Ended.OUTPUT)


def _exit(data: bytes) -> dict[str, int]:
    """The shim's word on how the submission ended: a diagnostic, so anything odd counts as a signal."""
    try:
        found = json.loads(data)
        return {key: int(found[key]) for key in ("exit", "signal") if key in found}
    except (ValueError, TypeError, OverflowError, RecursionError):
        return {}
