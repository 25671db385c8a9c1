"""The words of the sandbox: what to run, under which limits, and the facts that come back; no engine is named here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from sandbox.inside.frames import Frame


class SandboxError(Exception):
    """The operator's fault: the engine, an image or the host failed; the run says nothing about the submission."""


class Unfit(SandboxError):
    """The operator's too, and no other run would fare better: nothing more may be judged until somebody has looked."""


class Abandoned(Exception):
    """Nobody wants the result any more: the worker has lost its claim or stops. Nobody's fault."""


class BoxEnded(Exception):
    """The box can answer no more; `Box.finish()` has the facts."""


class BuildFailed(Exception):
    """The participant's: no image came of these files. The text says why, `log` is the build's own output."""

    def __init__(self, why: str, log: str = "") -> None:
        super().__init__(why)
        self.log = log


@dataclass(frozen=True)
class Limits:
    """What one run may use. There is no network field, because there is no network."""

    cpu_seconds: float
    wall_seconds: float
    memory_mb: int
    """The whole box: imported modules, /tmp and shared memory included."""
    processes: int = 64
    """Processes and threads together."""
    output_kb: int = 1024
    """stdout and stderr together; also the most one answer may hold."""
    files_mb: int = 64
    """The size of /tmp, which holds the working folder."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"the limit {name} must be greater than zero, not {value!r}")

    @classmethod
    def of(
        cls,
        *,
        cpu_seconds: float,
        memory_mb: int,
        wall_seconds: float | None = None,
        processes: int = 64,
        output_kb: int = 1024,
        files_mb: int = 64,
    ) -> Limits:
        """Limits with the default wall clock: twice the cpu time and ten seconds."""
        wall = 2 * cpu_seconds + 10 if wall_seconds is None else wall_seconds
        return cls(cpu_seconds, wall, memory_mb, processes, output_kb, files_mb)


@dataclass(frozen=True)
class BuildLimits:
    """What making one image may use."""

    seconds: float = 120
    """On the clock, from the first step to the finished image."""
    size_mb: int = 300
    """What the image may hold beyond its base, in millions of bytes."""
    memory_mb: int = 1024
    """Of each step that runs something."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"the limit {name} must be greater than zero, not {value!r}")


@dataclass(frozen=True)
class Job:
    """One thing to run: a program (`argv`) or a Python entry that answers frames (`entry`), never both."""

    runtime: str
    limits: Limits
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Laid out in the working folder, by relative name."""
    argv: tuple[str, ...] = ()
    entry: str = ""
    """Dotted name of a module of `library` whose `main(channel)` serves the frames."""
    library: Mapping[str, bytes] = field(default_factory=dict)
    """Our own modules, importable in the box, by relative path."""
    modules: tuple[str, ...] = ()
    """Imported before the submission starts; not charged to it."""
    outputs: tuple[str, ...] = ()
    """Regular files to bring out of the working folder after the program has ended."""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.argv) == bool(self.entry):
            raise ValueError("a job has either an argv or an entry")


class Ended(StrEnum):
    """What ended a run; a fact of the supervisor, never a word from the box."""

    EXIT = "exit"
    SIGNAL = "signal"
    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"
    PROTOCOL = "protocol"


@dataclass(frozen=True)
class RunResult:
    """Facts only. `exit_code`, stdout, stderr and `raised` come from inside the box and are diagnostics."""

    ended: Ended
    exit_code: int | None
    """None when a signal or the supervisor ended it."""
    signal: int | None
    cpu_seconds: float
    wall_seconds: float
    """Time spent waiting for the box, not for its partner."""
    peak_memory_mb: float
    oom_kills: int
    """Memory kills in the whole box; the run may have gone on when only a child died."""
    stdout: bytes = b""
    stderr: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)
    raised: Frame | None = None

    @property
    def clean(self) -> bool:
        """The program ended by itself with exit code 0."""
        return self.ended is Ended.EXIT and self.exit_code == 0


def never() -> bool:
    """Nobody abandons this run."""
    return False


class Box(Protocol):
    """A running job one can exchange frames with."""

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
        """Send one frame; the one frame that answers it, of at most `cap` bytes. Raises BoxEnded, Abandoned."""
        ...

    def cpu_seconds(self) -> float:
        """Cpu time of the whole box since the submission started."""
        ...

    def finish(self) -> RunResult:
        """End the box, remove it and return the facts; may be called again."""
        ...


class Image(Protocol):
    """An image a stranger's files were made into."""

    @property
    def user(self) -> str:
        """Its USER, as its author wrote it; empty if there is none. It runs under a uid of ours all the same."""
        ...

    @property
    def size_mb(self) -> float:
        """What it holds beyond its base, in millions of bytes."""
        ...

    @property
    def log(self) -> str:
        """The build's own output."""
        ...

    def remove(self) -> None:
        """Remove it and all that was made on the way; may be called again."""
        ...


class Service(Protocol):
    """A running stranger one may only send HTTP to, through a relay box of ours."""

    def ask(self, kind: int, json: bytes, raw: bytes = b"", *, cap: int) -> Frame:
        """One question to the relay (frames HTTP and READY), one answer. Raises BoxEnded, Abandoned."""
        ...

    def stop(self, seconds: float) -> bool:
        """Send SIGTERM; whether it ended in time. Raises BoxEnded if it had ended before, and Abandoned."""
        ...

    def finish(self) -> RunResult:
        """End it and its relay, remove both and return the facts; may be called again."""
        ...


class Boxes(Protocol):
    """Where strangers' programs run. Every implementation keeps the promise list of tests/sandbox/test_promises.py."""

    def run(self, job: Job, abandoned: Callable[[], bool] = never) -> RunResult:
        """Run a program to its end. Raises SandboxError, and Abandoned as soon as `abandoned()` is true."""
        ...

    def open(self, job: Job, abandoned: Callable[[], bool] = never) -> Box:
        """Start an entry and return its box, ready for frames. Raises SandboxError, Abandoned."""
        ...


class Sandbox(Boxes, Protocol):
    """Where images are made of strangers' files, and run, besides."""

    def build(
        self,
        files: Mapping[str, bytes],
        limits: BuildLimits,
        *,
        labels: Mapping[str, str],
        abandoned: Callable[[], bool] = never,
    ) -> Image:
        """Make an image of a Dockerfile and its context. Raises BuildFailed, SandboxError, Abandoned."""
        ...

    def serve(
        self,
        image: Image,
        *,
        limits: Limits,
        files: Mapping[str, bytes],
        labels: Mapping[str, str],
        abandoned: Callable[[], bool] = never,
    ) -> Service:
        """Start an image's own entry point, with these files (absolute names) beside its own, and its relay.

        Raises BuildFailed when its first process cannot be started at all, SandboxError, Abandoned.
        """
        ...
