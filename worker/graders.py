"""Keeps a few standing grader boxes, one challenge version each; knows nothing of submissions."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import challenges.kit
from challenges.loader import Challenge
from challenges.version import graded_files
from sandbox.inside.frames import Frame
from sandbox.types import Box, BoxEnded, Job, Limits, Sandbox


class GraderFault(Exception):
    """The author's fault: a grader ended or said something it may not. The text is for author and operator."""


STANDING_SECONDS = 86_400.0
"""The most wall and cpu time one grader box may have in its whole life; each grading has its own limit."""
GRADER_FILES_MB = 256
FRAME_CAP = 64 * 2**20
"""Bytes of the largest frame a grader may send: the inputs of a run, or prepared data."""


@dataclass(frozen=True)
class Prepared:
    """The data of one challenge version under one seed, as its grader gets them."""

    key: str
    """Names version and seed epoch."""
    seed: bytes = field(repr=False)
    public: Mapping[str, bytes] = field(repr=False, default_factory=dict)
    hidden: Mapping[str, bytes] = field(repr=False, default_factory=dict)


@cache
def kit_library() -> Mapping[str, bytes]:
    """The kit as it is streamed into every grader box."""
    folder = Path(challenges.kit.__file__).parent
    found = {f"challenges/kit/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.py"))}
    return {"challenges/__init__.py": b"", **found}


def grader_job(challenge: Challenge, prepared: Prepared, labels: Mapping[str, str]) -> Job:
    """The job of a grader box: the challenge's own code, its data and its configuration."""
    config = {
        "seed": prepared.seed.hex(),
        "submit": challenge.submit,
        "groups": [asdict(group) for group in challenge.groups],
    }
    code = {
        f"challenge/{path.relative_to(challenge.folder).as_posix()}": path.read_bytes()
        for path in graded_files(challenge.folder)
    }
    public = {f"public/{name}": data for name, data in prepared.public.items()}
    hidden = {f"hidden/{name}": data for name, data in prepared.hidden.items()}
    return Job(
        runtime=challenge.grader_runtime,
        limits=Limits(
            cpu_seconds=STANDING_SECONDS,
            wall_seconds=STANDING_SECONDS,
            memory_mb=challenge.grader_limits.memory_mb,
            processes=challenge.grader_limits.processes,
            output_kb=challenge.grader_limits.output_kb,
            files_mb=GRADER_FILES_MB,
        ),
        files={"config.json": json.dumps(config).encode(), **code, **public, **hidden},
        entry="challenges.kit.host",
        library=kit_library(),
        modules=("numpy", *challenge.grader_modules),
        labels=labels,
    )


class Graders:
    """Idle grader boxes by challenge version; the least recently used go first. Safe to use from many threads."""

    def __init__(self, sandbox: Sandbox, *, idle: int = 4) -> None:
        """`idle` is how many boxes may wait for work at once; none is reused when it is 0."""
        self._sandbox = sandbox
        self._most = idle
        self._lock = threading.Lock()
        self._idle: OrderedDict[Box, str] = OrderedDict()

    def ask_first(
        self, challenge: Challenge, prepared: Prepared, kind: int, body: bytes, seconds: float
    ) -> tuple[Box, Frame]:
        """A box and its reply to the first frame. A waiting box that fails at this point is replaced once.

        Raises GraderFault when a new box fails too, and SandboxError.
        """
        waiting = self._take(prepared.key)
        if waiting is not None:
            try:
                return waiting, waiting.ask(kind, body, cap=FRAME_CAP, wall_seconds=seconds)
            except BoxEnded:
                waiting.finish()
        box = self._sandbox.open(grader_job(challenge, prepared, {"assay.role": "grader"}))
        try:
            return box, box.ask(kind, body, cap=FRAME_CAP, wall_seconds=seconds)
        except BoxEnded as error:
            result = box.finish()
            raise GraderFault(f"ended by {error}: {result.stderr[-2000:].decode('utf-8', 'replace')}") from error

    def give_back(self, box: Box, prepared: Prepared) -> None:
        """Keep a sound box for the next attempt."""
        with self._lock:
            self._idle[box] = prepared.key
            surplus = [self._idle.popitem(last=False)[0] for _ in range(max(0, len(self._idle) - self._most))]
        for one in surplus:
            one.finish()

    def close(self) -> None:
        """End every waiting box."""
        with self._lock:
            boxes = list(self._idle)
            self._idle.clear()
        for one in boxes:
            one.finish()

    def _take(self, key: str) -> Box | None:
        with self._lock:
            found = next((box for box, its in reversed(self._idle.items()) if its == key), None)
            if found is not None:
                del self._idle[found]
            return found
