"""A submission's boxes, image and service during one attempt, under one set of limits; knows no grader and no score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from challenges.loader import Challenge
from sandbox.inside import frames, values
from sandbox.inside.frames import Frame
from sandbox.types import (
    Abandoned,
    Box,
    BoxEnded,
    BuildFailed,
    Ended,
    Image,
    Job,
    Limits,
    RunResult,
    Sandbox,
    SandboxError,
    Service,
)
from worker.graders import GraderFault
from worker.judge import Facts, Raised


class SubmissionOver(Exception):
    """The submission can answer no more.

    `unreadable` says so where its answer, not its end, is the reason; `not_built` where there is nothing to run.
    """

    def __init__(self, unreadable: str = "", not_built: BuildFailed | None = None) -> None:
        self.unreadable = unreadable
        self.not_built = not_built


APART = "submission"
"""The folder of the submitted files where a tool reads them."""
REPLIES_CAP = 64 * 2**20
"""Bytes of all replies to one question to a service."""


class Submission:
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
        self._image: Image | None = None
        self._service: Service | None = None
        self._group_end: float | None = None
        self._cap = 0
        self.facts = Facts()

    def check_wanted(self) -> None:
        """Raises Abandoned when nobody wants the result any more."""
        if self._abandoned():
            raise Abandoned

    @property
    def files(self) -> Mapping[str, bytes]:
        """What was submitted."""
        return self._files

    def cpu_seconds(self) -> float:
        """Cpu time of all its boxes so far."""
        return self.facts.cpu_seconds + (self._box.cpu_seconds() if self._box else 0.0)

    def begin_group(self, cpu_seconds: float | None, cap: int, *, fresh: bool) -> None:
        """A group of calls begins: its own cpu budget, and the most bytes one answer may have.

        `fresh`: it meets a new process, and what an old one kept in memory is gone.
        """
        if fresh:
            self._set_aside()
        self._cap = min(cap, 1024 * self._challenge.limits.output_kb + 4096)
        self._group_end = None if cpu_seconds is None else self.cpu_seconds() + cpu_seconds

    def call(self, body: bytes, raw: bytes) -> Frame | None:
        """The submission's answer to one call; None when the group's budget is spent. Raises SubmissionOver."""
        box = self._box = self._box or self._open()
        left = None if self._group_end is None else max(0.0, self._group_end - self.cpu_seconds())
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
            raise SubmissionOver from error
        if answer.kind == frames.VALUE:
            return answer
        if answer.kind == frames.RAISED:
            self._close()
            self.facts = replace(self.facts, ended=Ended.EXIT, raised=_outline(answer))
            raise SubmissionOver
        self._close()
        raise SubmissionOver("The function returned something that is not plain data.")

    def run(
        self, argv: tuple[str, ...], inputs: Mapping[str, bytes], outputs: tuple[str, ...], *, tool: bool = False
    ) -> Mapping[str, bytes]:
        """The files a run of the program left behind. Raises SubmissionOver unless it ended with exit code 0.

        A `tool` is the author's own program, which reads the submitted files in a folder apart.
        """
        self._set_aside()
        limits = self._limits_left()
        files = {f"{APART}/{name}": data for name, data in self._files.items()} if tool else self._files
        result = self._sandbox.run(
            Job(
                runtime=self._challenge.runtime,
                limits=limits,
                files={**files, **inputs},
                argv=argv,
                modules=self._challenge.modules,
                outputs=outputs,
                labels=self._labels,
            ),
            self._abandoned,
        )
        self._count(result)
        if tool and result.ended in (Ended.EXIT, Ended.SIGNAL) and not result.clean:
            raise SubmissionOver("The submitted files could not be read.")
        if not result.clean:
            raised = None if result.raised is None else _outline(result.raised)
            self.facts = replace(self.facts, ended=result.ended, raised=raised)
            raise SubmissionOver
        if result.oom_kills and set(result.files) != set(outputs):
            self.facts = replace(self.facts, ended=Ended.MEMORY)
            raise SubmissionOver
        return result.files

    def serve(self, files: Mapping[str, bytes], building: Callable[[], None], running: Callable[[], None]) -> Image:
        """Build the image unless there is one, and start it with these files; a service that runs is ended.

        `building` and `running` are called before either begins. Raises SubmissionOver, SandboxError, Abandoned.
        """
        limits = self._challenge.build
        if limits is None:
            raise SandboxError(f"{self._challenge.slug} serves, but its challenge.toml has no [build]")
        if self._service is not None:
            self._close_service()
        try:
            if self._image is None:
                building()
                self._image = self._sandbox.build(self._files, limits, labels=self._labels, abandoned=self._abandoned)
            running()
            self._service = self._sandbox.serve(
                self._image, limits=self._limits_left(), files=files, labels=self._labels, abandoned=self._abandoned
            )
        except BuildFailed as error:
            raise SubmissionOver(not_built=error) from error
        return self._image

    def ready(self, body: bytes) -> Frame:
        """Whether the service is ready; waits to the end of its time unless it listens elsewhere."""
        while True:
            answer = self._ask_service(frames.READY, body)
            try:
                told = values.decode(answer.json)
                if told["ready"] or told["elsewhere"]:
                    return answer
            except (values.BadValue, KeyError, TypeError) as error:
                raise SubmissionOver("The replies of the service could not be read.") from error

    def send(self, body: bytes, raw: bytes) -> Frame:
        """What the service replies to requests, unread. Raises SubmissionOver."""
        return self._ask_service(frames.HTTP, body, raw)

    def stop(self, seconds: float) -> bool:
        """Ask the service to end; whether it did in time. Raises SubmissionOver if it had ended before."""
        try:
            return self._running_service().stop(seconds)
        except BoxEnded as error:
            self._close_service()
            raise SubmissionOver from error

    def finish(self) -> Facts:
        """End whatever still runs, remove the image and return the facts of all boxes."""
        ended = self.facts.ended
        try:
            if self._box is not None:
                self._close()
            if self._service is not None:
                self._close_service()
        finally:
            if self._image is not None:
                self._image.remove()
        self.facts = replace(self.facts, ended=ended)  # what still ran was ended by us, having done its work
        return self.facts

    def _running_service(self) -> Service:
        if self._service is None:
            raise GraderFault("the grader asked a service that was not started")
        return self._service

    def _ask_service(self, kind: int, body: bytes, raw: bytes = b"") -> Frame:
        try:
            return self._running_service().ask(kind, body, raw, cap=REPLIES_CAP)
        except BoxEnded as error:
            self._close_service()
            raise SubmissionOver from error

    def _close_service(self) -> None:
        result = self._running_service().finish()
        self._service = None
        self._count(result)
        self.facts = replace(self.facts, ended=result.ended)

    def _limits_left(self) -> Limits:
        limits, used = self._challenge.limits, self.facts
        cpu = limits.cpu_seconds - used.cpu_seconds
        wall = limits.wall_seconds - used.wall_seconds
        if cpu <= 0 or wall <= 0:
            self.facts = replace(used, ended=Ended.TIME)
            raise SubmissionOver
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

    def _set_aside(self) -> None:
        """End a box that has answered all it was asked: what it used counts, that it was ended does not."""
        if self._box is not None:
            self._close()
            self.facts = replace(self.facts, ended=None)

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


def _outline(answer: Frame) -> Raised | None:
    try:
        told = values.decode(answer.json)
    except values.BadValue:
        return None
    return Raised(told.get("type"), told.get("line")) if isinstance(told, dict) else None
