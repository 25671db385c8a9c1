"""Gradings listened to between worker and grader, so that a grader can be asked once more with other answers.

The grader's own code runs here, without a box: it is ours, and what comes to it is data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from challenges.kit import Data, host
from challenges.kit.attempt import Attempt
from challenges.loader import Challenge
from challenges.report import Report
from sandbox.inside.frames import Frame
from sandbox.types import Box, Job, RunResult, Sandbox, never
from tests.challenges.fake_attempt import prepare
from tests.worker.conftest import Judged, judge_files
from worker import grading as worker_grading
from worker.graders import GraderFault, Graders, Prepared
from worker.grading import Grading, attempt_key
from worker.judge import Facts, GraderFailed, Outcome, judge


@dataclass(frozen=True)
class Exchange:
    """One question of a grader and the worker's reply."""

    question: Frame
    reply: Frame


@dataclass(frozen=True)
class Recording:
    """One grading of a right submission: its data and everything that was asked and answered."""

    challenge: Challenge
    prepared: Prepared
    data: Data
    key: bytes
    """Of the attempt's random numbers: under it the same is asked again."""
    exchanges: tuple[Exchange, ...]
    judged: Judged


Spoil = Callable[[int, Exchange], Frame]
"""What is replied instead to the exchange at this place."""


def record(sandbox: Sandbox, challenge: Challenge, files: Mapping[str, bytes], seed: bytes, folder: Path) -> Recording:
    """Grade these files in real boxes and listen."""
    data = prepare(challenge, seed, folder)
    public, hidden = (
        {path.relative_to(top).as_posix(): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}
        for top in (data.public, data.hidden)
    )
    prepared = Prepared(f"recorded {challenge.version}", seed, public, hidden)
    listener = _Listener(sandbox)
    graders = Graders(listener, idle=0)
    judged = judge_files(Grading(listener, graders), challenge, prepared, files)
    exchanges = tuple(
        Exchange(question, reply) for (_, question), (reply, _) in zip(listener.heard, listener.heard[1:], strict=False)
    )
    return Recording(challenge, prepared, data, attempt_key(seed, files), exchanges, judged)


def regraded(recording: Recording, grader: Any, spoil: Spoil) -> Judged:
    """What the grader says when it gets other replies to what it asks."""
    line: Any = _Replay(recording.exchanges, spoil)
    challenge = recording.challenge
    host._grade(line, grader.grade, Attempt(line, challenge.submit, recording.key), recording.data)
    outcome: Outcome
    try:
        outcome, _ = worker_grading._ending(line.said)
    except GraderFault as error:
        outcome = GraderFailed(str(error))
    report: Report = judge(outcome, Facts(), challenge.limits, pass_mark=challenge.pass_mark, lines=1)
    return Judged(report, outcome, Facts())


class _Listener:
    """A sandbox that notes what is said to graders and by them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.run = sandbox.run
        self.build = sandbox.build
        self.serve = sandbox.serve
        self.heard: list[tuple[Frame, Frame]] = []

    def open(self, job: Job, abandoned: Callable[[], bool] = never) -> Box:
        box = self._sandbox.open(job, abandoned)
        return _Heard(box, self.heard) if job.labels.get("assay.role") == "grader" else box


class _Heard:
    def __init__(self, box: Box, heard: list[tuple[Frame, Frame]]) -> None:
        self._box = box
        self._heard = heard

    def ask(self, kind: int, json: bytes, raw: bytes = b"", **limits: Any) -> Frame:
        answer = self._box.ask(kind, json, raw, **limits)
        self._heard.append((Frame(kind, b"", json, raw), answer))
        return answer

    def cpu_seconds(self) -> float:
        return self._box.cpu_seconds()

    def finish(self) -> RunResult:
        return self._box.finish()


class _Replay:
    """Stands where the worker stands. A question that was not recorded gets the last reply to one of its kind."""

    def __init__(self, exchanges: tuple[Exchange, ...], spoil: Spoil) -> None:
        self._exchanges = exchanges
        self._spoil = spoil
        self._next = 0
        self.said = Frame(0, b"", b"")

    def ask(self, kind: int, body: bytes, raw: bytes = b"") -> Frame:
        at = self._place(kind, body, raw)
        return self._spoil(at, self._exchanges[at])

    def say(self, kind: int, body: bytes = b"{}", raw: bytes = b"") -> None:
        self.said = Frame(kind, b"", body, raw)

    def _place(self, kind: int, body: bytes, raw: bytes) -> int:
        for at in range(self._next, len(self._exchanges)):
            asked = self._exchanges[at].question
            if (asked.kind, asked.json, asked.raw) == (kind, body, raw):
                self._next = at + 1
                return at
        return max(at for at, one in enumerate(self._exchanges) if one.question.kind == kind)
