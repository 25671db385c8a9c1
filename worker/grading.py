"""Stands between the submission's box and the grader's: passes frames and facts, and parses no stranger's bytes."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from challenges.kit.errors import GraderError
from challenges.kit.score import Score
from challenges.loader import Challenge
from sandbox.inside import frames, values
from sandbox.inside.frames import Frame
from sandbox.types import Abandoned, Box, BoxEnded, Ended, Job, Limits, RunResult, Sandbox, never
from worker.graders import FRAME_CAP, GraderFault, Graders, Prepared
from worker.judge import Facts, GraderFailed, Outcome, Raised, Scored, Stopped, Unreadable

MESSAGE_CAP = 300
FILE_NAME = re.compile(r"(?!.*(^|/)\.)[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,3}")
"""Names a grader may give to inputs and outputs: relative, plain, nothing hidden."""
STOP_SECONDS = 5.0


def attempt_key(seed: bytes, files: Mapping[str, bytes]) -> bytes:
    """The key of an attempt's random numbers: the same bytes under the same seed meet the same order."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name} {len(files[name])}\n".encode() + files[name])
    return hmac.new(seed, b"attempt " + digest.digest(), hashlib.sha256).digest()


class _SubmissionOver(Exception):
    """The submission can answer no more; `unreadable` says so where its answer, not its end, is the reason."""

    def __init__(self, unreadable: str = "") -> None:
        self.unreadable = unreadable


class _Submission:
    """The boxes of one attempt, one after another, under the challenge's limits for all of them together."""

    def __init__(
        self,
        sandbox: Sandbox,
        challenge: Challenge,
        files: Mapping[str, bytes],
        labels: Mapping[str, str],
        abandoned: Callable[[], bool],
    ) -> None:
        self._sandbox = sandbox
        self._challenge = challenge
        self._files = files
        self._labels = labels
        self._abandoned = abandoned
        self._box: Box | None = None
        self._group_end: float | None = None
        self._cap = 0
        self.facts = Facts()

    def check_wanted(self) -> None:
        """Raises Abandoned when nobody wants the result any more."""
        if self._abandoned():
            raise Abandoned

    def begin_group(self, cpu_seconds: float | None, cap: int) -> None:
        """A group of calls begins: its own cpu budget, and the most bytes one answer may have."""
        self._cap = min(cap, 1024 * self._challenge.limits.output_kb + 4096)
        self._group_end = None if cpu_seconds is None else self._cpu() + cpu_seconds

    def call(self, body: bytes, raw: bytes) -> Frame | None:
        """The submission's answer to one call; None when the group's budget is spent. Raises _SubmissionOver."""
        box = self._box = self._box or self._open()
        left = None if self._group_end is None else max(0.0, self._group_end - self._cpu())
        try:
            if left is None:
                answer = box.ask(frames.CALL, body, raw, cap=self._cap)
            else:
                answer = box.ask(frames.CALL, body, raw, cap=self._cap, cpu_seconds=left)
        except BoxEnded as error:
            self._close()
            limits, used = self._challenge.limits, self.facts
            within = used.cpu_seconds < limits.cpu_seconds and used.wall_seconds < limits.wall_seconds
            if self._group_end is not None and used.ended is Ended.TIME and within:
                self.facts = replace(used, ended=None)
                return None
            raise _SubmissionOver from error
        if answer.kind == frames.VALUE:
            return answer
        if answer.kind == frames.RAISED:
            self._close()
            self.facts = replace(self.facts, ended=Ended.EXIT, raised=_outline(answer))
            raise _SubmissionOver
        self._close()
        raise _SubmissionOver("The function returned something that is not plain data.")

    def run(self, argv: tuple[str, ...], inputs: Mapping[str, bytes], outputs: tuple[str, ...]) -> Mapping[str, bytes]:
        """The files a run of the program left behind. Raises _SubmissionOver unless it ended with exit code 0."""
        limits = self._limits_left()
        result = self._sandbox.run(
            Job(
                runtime=self._challenge.runtime,
                limits=limits,
                files={**self._files, **inputs},
                argv=argv,
                modules=self._challenge.modules,
                outputs=outputs,
                labels=self._labels,
            ),
            self._abandoned,
        )
        self._count(result)
        if not result.clean:
            raised = None if result.raised is None else _outline(result.raised)
            self.facts = replace(self.facts, ended=result.ended, raised=raised)
            raise _SubmissionOver
        if result.oom_kills and set(result.files) != set(outputs):
            self.facts = replace(self.facts, ended=Ended.MEMORY)
            raise _SubmissionOver
        return result.files

    def finish(self) -> Facts:
        """End whatever still runs and return the facts of all boxes."""
        if self._box is not None:
            self._box.finish()
            ended = self.facts.ended
            self._close()
            self.facts = replace(self.facts, ended=ended)  # it was ended by us, having done its work
        return self.facts

    def _cpu(self) -> float:
        return self.facts.cpu_seconds + (self._box.cpu_seconds() if self._box else 0.0)

    def _limits_left(self) -> Limits:
        limits, used = self._challenge.limits, self.facts
        cpu = limits.cpu_seconds - used.cpu_seconds
        wall = limits.wall_seconds - used.wall_seconds
        if cpu <= 0 or wall <= 0:
            self.facts = replace(used, ended=Ended.TIME)
            raise _SubmissionOver
        return replace(limits, cpu_seconds=cpu, wall_seconds=wall)

    def _open(self) -> Box:
        return self._sandbox.open(
            Job(
                runtime=self._challenge.runtime,
                limits=self._limits_left(),
                files=self._files,
                entry="sandbox.inside.host",
                modules=self._challenge.modules,
                labels=self._labels,
            ),
            self._abandoned,
        )

    def _close(self) -> None:
        assert self._box is not None
        result = self._box.finish()
        self._box = None
        self._count(result)
        self.facts = replace(self.facts, ended=result.ended)

    def _count(self, result: RunResult) -> None:
        used = self.facts
        self.facts = replace(
            used,
            cpu_seconds=used.cpu_seconds + result.cpu_seconds,
            wall_seconds=used.wall_seconds + result.wall_seconds,
            peak_memory_mb=max(used.peak_memory_mb, result.peak_memory_mb),
            oom_kills=used.oom_kills + result.oom_kills,
        )


class Grading:
    """Grades attempts. Safe to use from many threads: each grading has boxes of its own."""

    def __init__(self, sandbox: Sandbox, graders: Graders) -> None:
        self._sandbox = sandbox
        self._graders = graders

    def generate(self, challenge: Challenge, seed: bytes) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """(public files, hidden files) of a challenge under a seed. Raises GraderFault, SandboxError."""
        empty = Prepared(key=f"generate {challenge.version}", seed=seed)
        wall = challenge.grader_limits.wall_seconds
        box, reply = self._graders.ask_first(challenge, empty, frames.PREPARE, b"{}", wall)
        box.finish()
        if reply.kind != frames.PREPARED:
            raise GraderFault(_message(reply, 2000))
        try:
            listed = _parse(reply.json)
            public = _files(listed["public"], reply.raw)
            at = sum(len(data) for data in public.values())
            return public, _files(listed["hidden"], reply.raw[at:])
        except (KeyError, TypeError, ValueError) as error:
            raise GraderFault(f"the prepared data are malformed: {error!r}") from error

    def grade(
        self,
        challenge: Challenge,
        prepared: Prepared,
        files: Mapping[str, bytes],
        *,
        labels: Mapping[str, str] | None = None,
        stage: Callable[[str], None] = lambda _: None,
        abandoned: Callable[[], bool] = never,
    ) -> tuple[Outcome, Facts]:
        """Let the grader ask the submission until it has a score or one of them is over.

        `stage` hears "running" and "scoring". Raises SandboxError (the operator's fault) and Abandoned.
        """
        submission = _Submission(self._sandbox, challenge, files, labels or {}, abandoned)
        try:
            outcome = self._converse(challenge, prepared, submission, attempt_key(prepared.seed, files), stage)
        finally:
            facts = submission.finish()
        return outcome, facts

    def _converse(
        self,
        challenge: Challenge,
        prepared: Prepared,
        submission: _Submission,
        key: bytes,
        stage: Callable[[str], None],
    ) -> Outcome:
        left = challenge.grader_limits.wall_seconds
        begin = time.monotonic()
        first = json.dumps({"key": key.hex()}).encode()
        try:
            box, asked = self._graders.ask_first(challenge, prepared, frames.GRADE, first, left)
        except GraderFault as error:
            return GraderFailed(str(error))
        sound = False
        try:
            left -= time.monotonic() - begin
            stage("running")
            while asked.kind in (frames.GROUP, frames.ASK_CALL, frames.ASK_RUN):
                submission.check_wanted()
                reply = _serve(submission, asked)
                if asked.kind == frames.ASK_RUN:
                    stage("scoring")
                begin = time.monotonic()
                asked = box.ask(reply.kind, reply.json, reply.raw, cap=FRAME_CAP, wall_seconds=max(0.0, left))
                left -= time.monotonic() - begin
            outcome, sound = _ending(asked)
        except _SubmissionOver as over:
            sound = _stop(box)
            return Unreadable(over.unreadable) if over.unreadable else Stopped()
        except GraderFault as error:
            return GraderFailed(str(error))
        except BoxEnded as error:
            said = box.finish().stderr[-2000:].decode("utf-8", "replace")
            return GraderFailed(f"the grader's box ended by {error}: {said}")
        finally:
            if sound:
                self._graders.give_back(box, prepared)
            else:
                box.finish()
        return outcome


def _serve(submission: _Submission, asked: Frame) -> Frame:
    """What the submission answers to one question of the grader. Raises _SubmissionOver, SandboxError, GraderFault."""
    if asked.kind == frames.ASK_CALL:
        answer = submission.call(asked.json, asked.raw)
        if answer is None:
            return Frame(frames.OVERRUN, b"", b"{}")
        return Frame(frames.REPLY, b"", answer.json, answer.raw)
    told = _parse(asked.json)
    try:
        if asked.kind == frames.GROUP:
            budget = told["cpu_seconds"]
            submission.begin_group(None if budget is None else float(budget), int(told["cap"]))
            return Frame(frames.REPLY, b"", b"{}")
        inputs = _files(told["inputs"], asked.raw)
        outputs = tuple(_checked_name(name) for name in told["outputs"])
        argv = tuple(str(one) for one in told["argv"])
    except (KeyError, TypeError, ValueError) as error:
        raise GraderFault(f"the grader's frame is malformed: {error!r}") from error
    files = submission.run(argv, inputs, outputs)
    listed = [[name, len(data)] for name, data in files.items()]
    return Frame(frames.REPLY, b"", json.dumps({"files": listed}).encode(), b"".join(files.values()))


def _files(listed: Any, raw: bytes) -> dict[str, bytes]:
    """Files that lie one behind the other in `raw`. Raises GraderFault, TypeError, ValueError."""
    found, at = {}, 0
    for name, size in listed:
        found[_checked_name(name)] = raw[at : at + size]
        at += size
    return found


def _ending(said: Frame) -> tuple[Outcome, bool]:
    """(outcome, whether the box may be used again) of the grader's last word."""
    if said.kind == frames.SCORED:
        try:
            return Scored(Score.from_json(_parse(said.json))), True
        except GraderError as error:
            return GraderFailed(f"not a score: {error}"), False
    if said.kind == frames.INVALID:
        return Unreadable(_message(said, MESSAGE_CAP)), True
    return GraderFailed(_message(said, 2000)), False


def _stop(box: Box) -> bool:
    """Tell a grader that its submission is over; whether it took the word and its box is sound."""
    try:
        return box.ask(frames.STOP, b"{}", cap=FRAME_CAP, wall_seconds=STOP_SECONDS).kind == frames.STOPPED
    except BoxEnded:
        return False


def _parse(body: bytes) -> Any:
    try:
        return values.decode(body)
    except values.BadValue as error:
        raise GraderFault(f"the grader's frame cannot be read: {error}") from error


def _message(said: Frame, most: int) -> str:
    told = _parse(said.json)
    return str(told.get("message", "") if isinstance(told, dict) else "")[:most]


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or len(name) > 200 or FILE_NAME.fullmatch(name) is None:
        raise GraderFault(f"the grader named a file {name!r:.200}, which is not allowed")
    return name


def _outline(answer: Frame) -> Raised | None:
    try:
        told = values.decode(answer.json)
    except values.BadValue:
        return None
    return Raised(told.get("type"), told.get("line")) if isinstance(told, dict) else None
