"""Stands between the submission's box and the grader's: passes frames and facts, and parses no stranger's bytes."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from challenges.kit.errors import GraderError
from challenges.kit.parcel import reply_with
from challenges.kit.score import Score
from challenges.loader import Challenge
from sandbox.inside import frames, values
from sandbox.inside.frames import Frame
from sandbox.types import Box, BoxEnded, BuildFailed, RunResult, Sandbox, never
from worker.graders import FRAME_CAP, GraderFault, Graders, Prepared
from worker.judge import Facts, GraderFailed, NotBuilt, Outcome, Scored, Stopped, Unreadable
from worker.listening import Listening
from worker.submission import Submission, SubmissionOver

MESSAGE_CAP = 300
FILE_NAME = re.compile(r"(?!.*(^|/)\.)[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,3}")
"""Names a grader may give to inputs and outputs: relative, plain, nothing hidden."""
ABSOLUTE_NAME = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9._-]*){1,4}")
"""The same for files that lie beside a service's own."""
SYSTEM = frozenset("bin boot dev etc lib lib64 proc root run sbin sys tmp usr var".split())
"""Top folders of an image where they may not lie."""
STOP_SECONDS = 5.0
ASKS = frozenset(
    {frames.GROUP, frames.ASK_CALL, frames.ASK_RUN}
    | {frames.ASK_SERVE, frames.ASK_HTTP, frames.ASK_READY, frames.ASK_STOP}
    | {frames.ASK_FILES, frames.ASK_CLOCK}
)
"""What a grader may ask."""


def attempt_key(seed: bytes, files: Mapping[str, bytes]) -> bytes:
    """The key of an attempt's random numbers: the same bytes under the same seed meet the same order."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name} {len(files[name])}\n".encode() + files[name])
    return hmac.new(seed, b"attempt " + digest.digest(), hashlib.sha256).digest()


class Grading:
    """Grades attempts. Safe to use from many threads: each grading has boxes of its own."""

    def __init__(self, sandbox: Sandbox, graders: Graders) -> None:
        self._sandbox = sandbox
        self._graders = graders

    def listening(self, heard: list[RunResult]) -> Grading:
        """The same, but what the submission's programs did and printed is added to `heard`."""
        return Grading(Listening(self._sandbox, heard), self._graders)

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
        sample: bool = False,
        heard: Callable[[Frame, Frame | SubmissionOver], None] | None = None,
    ) -> tuple[Outcome, Facts]:
        """Let the grader ask the submission until it has a score or one of them is over.

        With `sample` it asks what everybody may know, for practice. `heard` hears every question and what came of it,
        `stage` "building", "running" and "scoring". Raises SandboxError (the operator's fault) and Abandoned.
        """
        submission = Submission(self._sandbox, challenge, files, labels or {}, abandoned)

        def answer(asked: Frame) -> Frame:
            submission.check_wanted()
            try:
                reply = _serve(submission, asked, stage)
            except SubmissionOver as over:
                if heard is not None:
                    heard(asked, over)
                raise
            if heard is not None:
                heard(asked, reply)
            if asked.kind in (frames.ASK_RUN, frames.ASK_STOP):
                stage("scoring")
            return reply

        if challenge.build is None:
            stage("running")
        try:
            outcome = self.converse(challenge, prepared, attempt_key(prepared.seed, files), answer, sample=sample)
        finally:
            facts = submission.finish()
        return outcome, facts

    def converse(
        self,
        challenge: Challenge,
        prepared: Prepared,
        key: bytes,
        answer: Callable[[Frame], Frame],
        *,
        sample: bool = False,
    ) -> Outcome:
        """Let the grader ask, whoever answers, until it has a score or what it asks is over.

        `answer` raises SubmissionOver when there is no answer any more. Raises SandboxError and what `answer` raises.
        """
        left = challenge.grader_limits.wall_seconds
        begin = time.monotonic()
        first = json.dumps({"key": key.hex(), "sample": sample}).encode()
        try:
            box, asked = self._graders.ask_first(challenge, prepared, frames.GRADE, first, left)
        except GraderFault as error:
            return GraderFailed(str(error))
        sound = False
        try:
            left -= time.monotonic() - begin
            while asked.kind in ASKS:
                reply = answer(asked)
                begin = time.monotonic()
                asked = box.ask(reply.kind, reply.json, reply.raw, cap=FRAME_CAP, wall_seconds=max(0.0, left))
                left -= time.monotonic() - begin
            outcome, sound = _ending(asked)
        except SubmissionOver as over:
            sound = _stop(box)
            return _over(over)
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


def _over(over: SubmissionOver) -> Outcome:
    if isinstance(over.not_built, BuildFailed):
        return NotBuilt(str(over.not_built), over.not_built.log)
    return Unreadable(over.unreadable) if over.unreadable else Stopped()


def _serve(submission: Submission, asked: Frame, stage: Callable[[str], None]) -> Frame:
    """What the submission answers to one question of the grader. Raises SubmissionOver, SandboxError, GraderFault."""
    if asked.kind == frames.ASK_CALL:
        answer = submission.call(asked.json, asked.raw)
        return Frame(frames.OVERRUN, b"", b"{}") if answer is None else _passed_on(answer)
    if asked.kind == frames.ASK_HTTP:
        return _passed_on(submission.send(asked.json, asked.raw))
    if asked.kind == frames.ASK_READY:
        return _passed_on(submission.ready(asked.json))
    if asked.kind == frames.ASK_FILES:
        return reply_with(submission.files)
    if asked.kind == frames.ASK_CLOCK:
        return _said({"cpu_seconds": submission.cpu_seconds()})
    told = _parse(asked.json)
    try:
        if asked.kind == frames.GROUP:
            budget = told["cpu_seconds"]
            fresh = bool(told["fresh"])
            submission.begin_group(None if budget is None else float(budget), int(told["cap"]), fresh=fresh)
            return Frame(frames.REPLY, b"", b"{}")
        if asked.kind == frames.ASK_STOP:
            return _said({"ended": submission.stop(float(told["seconds"]))})
        if asked.kind == frames.ASK_SERVE:
            laid = _files(told["files"], asked.raw, _checked_absolute)
            image = submission.serve(laid, lambda: stage("building"), lambda: stage("running"))
            return _said({"user": image.user, "size_mb": image.size_mb})
        inputs = _files(told["inputs"], asked.raw)
        outputs = tuple(_checked_name(name) for name in told["outputs"])
        argv, tool = tuple(str(one) for one in told["argv"]), bool(told["tool"])
    except (KeyError, TypeError, ValueError) as error:
        raise GraderFault(f"the grader's frame is malformed: {error!r}") from error
    return reply_with(submission.run(argv, inputs, outputs, tool=tool))


def _passed_on(answer: Frame) -> Frame:
    return Frame(frames.REPLY, b"", answer.json, answer.raw)


def _said(told: dict[str, Any]) -> Frame:
    return Frame(frames.REPLY, b"", json.dumps(told).encode())


def _files(listed: Any, raw: bytes, checked: Callable[[object], str] | None = None) -> dict[str, bytes]:
    """Files that lie one behind the other in `raw`. Raises GraderFault, TypeError, ValueError."""
    found, at = {}, 0
    for name, size in listed:
        found[(checked or _checked_name)(name)] = raw[at : at + size]
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


def _checked_absolute(name: object) -> str:
    fits = isinstance(name, str) and len(name) <= 200 and ABSOLUTE_NAME.fullmatch(name) is not None
    if not fits or str(name).split("/")[1] in SYSTEM:
        raise GraderFault(f"the grader lays a file to {name!r:.200}, which is not allowed")
    return str(name)
