"""A submission that keeps state between calls, as a grader may use it: one process from `open` to the next verb."""

import json
from typing import Any

from challenges.kit.calls import one_call
from challenges.kit.errors import GraderError
from challenges.kit.line import Line
from challenges.kit.returns import Returns
from sandbox.inside import frames


class Made:
    """An object that a submission made and keeps in its own box; the grader knows it by a number."""

    def __init__(self, session: "Session", number: int) -> None:
        self._session = session
        self._number = number

    def call(self, method: str, *args: Any, returns: Returns) -> Any:
        """Call one of its methods. Raises as `Session.call` does."""
        return self._session._ask(method, args, returns, on=self._number)


class Session:
    """One process of the submission; what its functions and objects keep, they keep until the next verb of the attempt.

    Answers come one at a time, so that the next question may depend on them and nothing can be read ahead.
    """

    def __init__(self, line: Line, submit: str, max_bytes: int) -> None:
        self._line = line
        self._submit = submit
        self._max_bytes = max_bytes
        self._made = 0

    def call(self, function: str, *args: Any, returns: Returns) -> Any:
        """The answer of one call of a function of the submitted module.

        Raises:
            GraderError: an argument cannot travel, or the answer may be larger than the session was opened for.
            InvalidOutput: the answer is not what `returns` declares.
        """
        return self._ask(function, args, returns)

    def make(self, name: str, *args: Any) -> Made:
        """What a class or function of the submitted module returns; it stays in the submission's box.

        Raises GraderError: an argument cannot travel.
        """
        self._made += 1
        one_call(self._line, self._submit, name, args, keep=self._made)
        return Made(self, self._made)

    def cpu_seconds(self) -> float:
        """Cpu time of the submission so far, all its processes together, as its supervisor measured it."""
        reply = self._line.ask(frames.ASK_CLOCK, b"{}")
        return float(json.loads(reply.json)["cpu_seconds"])

    def _ask(self, function: str, args: tuple[Any, ...], returns: Returns, on: int | None = None) -> Any:
        if returns.max_bytes > self._max_bytes:
            raise GraderError(f"the session was opened for answers of {self._max_bytes // 1024} KiB")
        more = {} if on is None else {"on": on}
        return returns.check(one_call(self._line, self._submit, function, args, **more))
