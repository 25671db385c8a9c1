"""A sandbox that keeps what a submission's own programs did and printed; for dry runs, where nothing is hidden."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from sandbox.inside.frames import Frame
from sandbox.types import Box, BuildLimits, Image, Job, Limits, RunResult, Sandbox, Service, never

SHOWN_BYTES = 8 * 1024
"""Of each stream of each run; the rest is cut in the middle."""


def shown(data: bytes) -> str:
    """A stream as it is shown."""
    if len(data) > SHOWN_BYTES:
        half = SHOWN_BYTES // 2
        cut = f"\n[... {len(data) - SHOWN_BYTES} bytes are not shown ...]\n".encode()
        data = data[:half] + cut + data[-half:]
    return data.decode("utf-8", "replace")


def printed(heard: Iterable[RunResult], most: int) -> str:
    """All that was printed, run after run, output before errors, `most` characters at most."""
    text = "\n".join(part for one in heard for part in (shown(one.stdout), shown(one.stderr)) if part.strip())
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= most else text[: most - 40] + "\n[... the rest is not shown ...]\n"


class Listening:
    """A sandbox that keeps the facts of the submission's own boxes; the grader's come from the sandbox below."""

    def __init__(self, sandbox: Sandbox, heard: list[RunResult]) -> None:
        self._sandbox = sandbox
        self._heard = heard

    def run(self, job: Job, abandoned: Callable[[], bool] = never) -> RunResult:
        result = self._sandbox.run(job, abandoned)
        self._heard.append(result)
        return result

    def open(self, job: Job, abandoned: Callable[[], bool] = never) -> Box:
        return _ListeningBox(self._sandbox.open(job, abandoned), self._heard)

    def build(
        self,
        files: Mapping[str, bytes],
        limits: BuildLimits,
        *,
        labels: Mapping[str, str],
        abandoned: Callable[[], bool] = never,
    ) -> Image:
        return self._sandbox.build(files, limits, labels=labels, abandoned=abandoned)

    def serve(
        self,
        image: Image,
        *,
        limits: Limits,
        files: Mapping[str, bytes],
        labels: Mapping[str, str],
        abandoned: Callable[[], bool] = never,
    ) -> Service:
        found = self._sandbox.serve(image, limits=limits, files=files, labels=labels, abandoned=abandoned)
        return _ListeningService(found, self._heard)


class _ListeningService:
    def __init__(self, service: Service, heard: list[RunResult]) -> None:
        self._service = service
        self._heard = heard

    def ask(self, kind: int, json: bytes, raw: bytes = b"", *, cap: int) -> Frame:
        return self._service.ask(kind, json, raw, cap=cap)

    def stop(self, seconds: float) -> bool:
        return self._service.stop(seconds)

    def finish(self) -> RunResult:
        result = self._service.finish()
        if not any(one is result for one in self._heard):
            self._heard.append(result)
        return result


class _ListeningBox:
    def __init__(self, box: Box, heard: list[RunResult]) -> None:
        self._box = box
        self._heard = heard

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
        return self._box.ask(kind, json, raw, cap=cap, cpu_seconds=cpu_seconds, wall_seconds=wall_seconds)

    def cpu_seconds(self) -> float:
        return self._box.cpu_seconds()

    def finish(self) -> RunResult:
        result = self._box.finish()
        if not any(one is result for one in self._heard):
            self._heard.append(result)
        return result
