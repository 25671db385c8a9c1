"""What a participant is told of a verdict, at the challenge's feedback level; JSON and pages share it."""

from dataclasses import dataclass
from math import floor, isfinite, log10

from api.store.submissions import SubmissionView
from api.store.tables import Kind
from challenges.loader import Challenge
from challenges.report import Report

WITHOUT_CHECKS = "F0"
WITH_VALUES = "F3"


@dataclass(frozen=True)
class ShownCheck:
    """`hint` only where it failed, `value` (0 to 1) only at level F3 and with the score."""

    name: str
    passed: bool
    hint: str | None
    value: float | None


@dataclass(frozen=True)
class ShownResources:
    """Seconds and megabytes, to two significant digits: more would be a channel for hidden data."""

    cpu_seconds: float
    wall_seconds: float
    peak_memory_mb: float


@dataclass(frozen=True)
class Feedback:
    verdict: str
    letters: str
    message: str
    checks: list[ShownCheck]
    metric: float | None
    resources: ShownResources | None
    build_log: str | None
    """Only where the build failed; it knows nothing hidden, so every level shows it."""
    output: str | None
    """Only of a dry run, which meets nothing hidden."""


def feedback(submission: SubmissionView, challenge: Challenge | None) -> Feedback | None:
    """What may be shown; None before the verdict. A challenge that is gone shows least."""
    if submission.report is None:
        return None
    report = Report.from_json(submission.report)
    level = challenge.feedback if challenge else WITHOUT_CHECKS
    level = min(level, submission.feedback or level)
    if submission.kind is Kind.dry:
        level = WITH_VALUES  # everybody may know what it was asked
    values = level == WITH_VALUES and not submission.withheld
    checks = [
        ShownCheck(
            name=check.name,
            passed=check.passed,
            hint=None if check.passed else check.hint or None,
            value=significant(check.value, 3) if values else None,
        )
        for check in (() if level == WITHOUT_CHECKS else report.checks)
    ]
    metric = report.score.metric if report.score and values else None
    used = report.resources
    return Feedback(
        verdict=report.verdict.value,
        letters=report.verdict.letters,
        message=report.message,
        checks=checks,
        metric=None if metric is None else significant(metric, 3),
        resources=None
        if used is None
        else ShownResources(
            significant(used.cpu_seconds, 2), significant(used.wall_seconds, 2), significant(used.peak_memory_mb, 2)
        ),
        build_log=report.build_log or None,
        output=report.output or None,
    )


def significant(number: float, digits: int) -> float:
    """The number rounded to so many significant digits."""
    if not number or not isfinite(number):
        return number
    return round(number, digits - 1 - floor(log10(abs(number))))
