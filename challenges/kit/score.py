"""From what a grader found to points, as every challenge counts them; knows no verdict and no submission."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np

from challenges.kit.errors import GraderError, InvalidOutput

GATE_CAP = 60.0
"""The most points a submission can have when a gate failed."""
MAX_METRIC = 1e300
"""The largest natural metric that a score may hold, and the largest standard error of one."""
MAX_TEXT = 200
MAX_CHECKS = 64


@dataclass(frozen=True)
class Group:
    """One `[[group]]` of a challenge.toml.

    Without anchors it is exact: all its cases are right or it counts nothing. With anchors it is a metric: `lo` counts
    0, `hi` counts 1, linear between; `lo > hi` means that less is better; `threshold` is where it counts as passed.
    """

    name: str
    weight: float
    gate: bool = False
    hint: str = ""
    lo: float | None = None
    hi: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        anchors = (self.lo, self.hi, self.threshold)
        if any(a is None for a in anchors) and any(a is not None for a in anchors):
            raise GraderError(f"group {self.name}: lo, hi and threshold go together")
        if self.lo is not None and self.lo == self.hi:
            raise GraderError(f"group {self.name}: lo and hi must differ")

    def check(self, found: Any) -> "Check":
        """The check of this group; `found` is a bool for an exact group and the natural metric for the other kind.

        Raises:
            GraderError: `found` is of the wrong type.
            InvalidOutput: the metric is not a finite number.
        """
        exact = isinstance(found, (bool, np.bool_))
        if self.lo is None or self.hi is None or self.threshold is None:
            if not exact:
                raise GraderError(f"group {self.name} is exact and takes True or False")
            return Check(self.name, float(found), self.weight, self.gate, self.hint, bool(found))
        if exact or not isinstance(found, (int, float, np.integer, np.floating)):
            raise GraderError(f"group {self.name} is a metric and takes a number")
        metric = _finite(found, self.name)
        value = min(1.0, max(0.0, (metric - self.lo) / (self.hi - self.lo)))
        passed = metric >= self.threshold if self.lo < self.hi else metric <= self.threshold
        return Check(self.name, value, self.weight, self.gate, self.hint, passed)


@dataclass(frozen=True)
class Check:
    """What became of one group; `value` is its share 0..1 of the weight, `hint` the author's words for a failure."""

    name: str
    value: float
    weight: float
    gate: bool
    hint: str
    passed: bool

    def as_json(self) -> dict[str, Any]:
        """Plain data for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Reads plain data strictly. Raises GraderError."""
        data = _record(data, cls, "check")
        return cls(
            name=_text(data["name"], "a check's name"),
            value=_number(data["value"], 0, 1, "a check's value"),
            weight=_number(data["weight"], 0, 1e6, "a check's weight"),
            gate=_flag(data["gate"], "a check's gate"),
            hint=_text(data["hint"], "a check's hint"),
            passed=_flag(data["passed"], "a check's passed"),
        )


@dataclass(frozen=True)
class Score:
    """What a grader found: points 0-100 of the public and the private part, and the checks of the public part."""

    points: float
    private_points: float
    checks: tuple[Check, ...]
    metric: float | None = None
    """The natural metric of the public part, where the challenge has one."""
    standard_error: float | None = None

    @classmethod
    def of(
        cls,
        groups: Sequence[Group],
        public: Mapping[str, bool | float],
        private: Mapping[str, bool | float] | None = None,
        *,
        metric: float | None = None,
        standard_error: float | None = None,
    ) -> Self:
        """The score of what was found for each group; `private` None means that both parts are the same.

        Raises:
            GraderError: a group is missing or unknown, or a value has the wrong type.
            InvalidOutput: a metric or its standard error is not finite, or beyond any that is kept.
        """
        checks = _checks(groups, public)
        private_checks = checks if private is None else _checks(groups, private)
        natural = None if metric is None else _finite(metric, "the metric", MAX_METRIC)
        error = None if standard_error is None else _finite(standard_error, "the standard error", MAX_METRIC)
        return cls(_points(checks), _points(private_checks), checks, natural, error)

    def as_json(self) -> dict[str, Any]:
        """Plain data for `from_json`."""
        return asdict(self) | {"checks": [check.as_json() for check in self.checks]}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Reads plain data strictly: exactly the known keys, finite numbers in range, bounded texts.

        Raises:
            GraderError: anything else; what comes out of a grader's box is its author's business.
        """
        data = _record(data, cls, "score")
        checks = data["checks"]
        if not isinstance(checks, (list, tuple)) or len(checks) > MAX_CHECKS:
            raise GraderError(f"checks must be a list of at most {MAX_CHECKS}")
        found = tuple(Check.from_json(check) for check in checks)
        if len({check.name for check in found}) != len(found):
            raise GraderError("two checks have the same name")
        metric, error = data["metric"], data["standard_error"]
        return cls(
            points=_number(data["points"], 0, 100, "points"),
            private_points=_number(data["private_points"], 0, 100, "private_points"),
            checks=found,
            metric=None if metric is None else _number(metric, -MAX_METRIC, MAX_METRIC, "metric"),
            standard_error=None if error is None else _number(error, 0, MAX_METRIC, "standard_error"),
        )


def _checks(groups: Sequence[Group], found: Mapping[str, bool | float]) -> tuple[Check, ...]:
    names = [group.name for group in groups]
    if sorted(found) != sorted(names):
        raise GraderError(f"the grader judged {sorted(found)}, the toml has {sorted(names)}")
    return tuple(group.check(found[group.name]) for group in groups)


def _points(checks: Sequence[Check]) -> float:
    whole = math.fsum(check.weight for check in checks)
    points = 100 * (math.fsum(check.weight * check.value for check in checks) / whole)
    return min(points, GATE_CAP) if any(check.gate and not check.passed for check in checks) else points


def _finite(value: Any, what: str, most: float = math.inf) -> float:
    """The number as a float. It comes of the answers, so that one beyond all bounds is their fault: InvalidOutput."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or abs(number) > most:
        raise InvalidOutput(f"{what} is not a finite number for these answers")
    return number


def _record(data: Any, kind: type, what: str) -> dict[str, Any]:
    wanted = {item.name for item in fields(kind)}
    if not isinstance(data, dict) or set(data) != wanted:
        raise GraderError(f"a {what} has exactly the keys {', '.join(sorted(wanted))}")
    return data


def _number(value: Any, low: float, high: float, what: str) -> float:
    # The comparison comes first: it is False for NaN and, unlike float(), cannot overflow on a long integer.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise GraderError(f"{what} must be a number from {low} to {high}")
    return float(value)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise GraderError(f"{what} must be text of at most {MAX_TEXT} characters")
    return value


def _flag(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise GraderError(f"{what} must be true or false")
    return value
