"""What becomes of one judging, in plain data; does not know how a verdict is reached (that is `worker/judge.py`)."""

import math
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

from challenges.kit.errors import GraderError
from challenges.kit.score import Check, Score

MAX_MESSAGE = 2000
MAX_LOG = 20_000


class Verdict(StrEnum):
    """The nine words a judging can end with; `letters` are the usual contest abbreviations."""

    accepted = "accepted"
    wrong_answer = "wrong_answer"
    invalid_output = "invalid_output"
    build_error = "build_error"
    runtime_error = "runtime_error"
    time_limit = "time_limit"
    memory_limit = "memory_limit"
    output_limit = "output_limit"
    judge_error = "judge_error"

    @property
    def letters(self) -> str:
        """Two or three capitals, as contest tools show them."""
        return _LETTERS[self]


_LETTERS = {
    Verdict.accepted: "AC",
    Verdict.wrong_answer: "WA",
    Verdict.invalid_output: "PE",
    Verdict.build_error: "CE",
    Verdict.runtime_error: "RTE",
    Verdict.time_limit: "TLE",
    Verdict.memory_limit: "MLE",
    Verdict.output_limit: "OLE",
    Verdict.judge_error: "JE",
}


@dataclass(frozen=True)
class Resources:
    """What the submission's boxes used together: seconds of cpu and wall clock, and the highest memory in MB."""

    cpu_seconds: float
    wall_seconds: float
    peak_memory_mb: float

    def as_json(self) -> dict[str, float]:
        """Plain data for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Reads plain data strictly. Raises ValueError."""
        values = _record(data, cls, "resources")
        for name, value in values.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
                raise ValueError(f"{name} must be a number from 0")
        return cls(**{name: float(value) for name, value in values.items()})


@dataclass(frozen=True)
class Report:
    """The outcome of one judging. `message` is for the participant and holds nothing hidden."""

    verdict: Verdict
    score: Score | None = None
    checks: tuple[Check, ...] = ()
    """Those of the score; a report without a score has none."""
    message: str = ""
    resources: Resources | None = None
    build_log: str = ""
    """What the build of the submitted files said, where it failed."""
    output: str = ""
    """What the programs of a dry run printed."""

    def __post_init__(self) -> None:
        if self.checks != (self.score.checks if self.score else ()):
            raise ValueError("the checks of a report are those of its score")
        if len(self.message) > MAX_MESSAGE:
            raise ValueError(f"a message has at most {MAX_MESSAGE} characters")
        if len(self.build_log) > MAX_LOG or len(self.output) > MAX_LOG:
            raise ValueError(f"a build's log and the output have at most {MAX_LOG} characters")

    def as_json(self) -> dict[str, Any]:
        """Plain data for `from_json`."""
        return {
            "verdict": self.verdict.value,
            "score": self.score.as_json() if self.score else None,
            "checks": [check.as_json() for check in self.checks],
            "message": self.message,
            "resources": self.resources.as_json() if self.resources else None,
            "build_log": self.build_log,
            "output": self.output,
        }

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Reads what `as_json` wrote. Raises ValueError for anything else."""
        if isinstance(data, dict):
            data = {"build_log": "", "output": ""} | data  # reports from before there were builds, or dry runs
        values = _record(data, cls, "report")
        texts = [values[name] for name in ("message", "build_log", "output")]
        if not all(isinstance(text, str) for text in texts) or not isinstance(values["checks"], list):
            raise ValueError("a report's message, log and output are text and its checks are a list")
        try:
            return cls(
                verdict=Verdict(values["verdict"]),
                score=None if values["score"] is None else Score.from_json(values["score"]),
                checks=tuple(Check.from_json(check) for check in values["checks"]),
                message=values["message"],
                resources=None if values["resources"] is None else Resources.from_json(values["resources"]),
                build_log=values["build_log"],
                output=values["output"],
            )
        except GraderError as error:
            raise ValueError(f"not a report: {error}") from error


def _record(data: Any, kind: type, what: str) -> dict[str, Any]:
    wanted = {item.name for item in fields(kind)}
    if not isinstance(data, dict) or set(data) != wanted:
        raise ValueError(f"a {what} has exactly the keys {', '.join(sorted(wanted))}")
    return data
