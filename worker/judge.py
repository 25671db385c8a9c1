"""Facts and a score in, a report out, by one table; pure: reaches no database, queue, Docker or clock."""

from __future__ import annotations

import builtins
from dataclasses import dataclass

from challenges.kit.score import Score
from challenges.report import MAX_LOG, MAX_MESSAGE, Report, Resources, Verdict
from sandbox.types import Ended, Limits


@dataclass(frozen=True)
class Raised:
    """What the submission said of its own exception; checked here, because it may say anything."""

    type: object
    line: object


@dataclass(frozen=True)
class Facts:
    """What the supervisor saw of all the boxes of one attempt. `ended` None: nothing ended it early."""

    ended: Ended | None = None
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    oom_kills: int = 0
    raised: Raised | None = None


@dataclass(frozen=True)
class Scored:
    """The grader came to a score."""

    score: Score


@dataclass(frozen=True)
class Unreadable:
    """An answer was not what was asked for; the message is the kit's, never the submission's."""

    message: str


@dataclass(frozen=True)
class NotBuilt:
    """No image came of the submitted files; the message is the sandbox's, the log the build's own."""

    message: str
    log: str


@dataclass(frozen=True)
class Stopped:
    """The submission ended before it had answered everything."""


@dataclass(frozen=True)
class GraderFailed:
    """The author's fault; `detail` is for the author and the operator alone."""

    detail: str


Outcome = Scored | Unreadable | NotBuilt | Stopped | GraderFailed

ENDINGS = {
    Ended.EXIT: Verdict.runtime_error,
    Ended.SIGNAL: Verdict.runtime_error,
    Ended.TIME: Verdict.time_limit,
    Ended.MEMORY: Verdict.memory_limit,
    Ended.OUTPUT: Verdict.output_limit,
    Ended.PROTOCOL: Verdict.invalid_output,
}
"""The one table from facts to verdicts, for a submission that ended before it had answered everything."""

STARVED = frozenset({Ended.EXIT, Ended.SIGNAL, Ended.TIME})
"""Endings that a memory kill anywhere in the box explains."""


def judge(outcome: Outcome, facts: Facts, limits: Limits, *, pass_mark: float, lines: int) -> Report:
    """The report of one judging; `lines` is the length of the submitted file, which a told line never exceeds."""
    resources = Resources(facts.cpu_seconds, facts.wall_seconds, facts.peak_memory_mb)
    match outcome:
        case Scored(score):
            gates = all(check.passed for check in score.checks if check.gate)
            passed = gates and score.points >= pass_mark
            verdict = Verdict.accepted if passed else Verdict.wrong_answer
            return Report(verdict, score, score.checks, _of_score(gates, passed, pass_mark), resources)
        case Unreadable(message):
            return Report(Verdict.invalid_output, message=message, resources=resources)
        case NotBuilt(message, log):
            message, log = message[:MAX_MESSAGE], log[:MAX_LOG]
            return Report(Verdict.build_error, message=message, resources=resources, build_log=log)
        case GraderFailed():
            return Report(Verdict.judge_error, message="The judge failed on this submission. It costs you nothing.")
        case Stopped():
            ended = facts.ended or Ended.EXIT
            if facts.oom_kills and ended in STARVED:
                ended = Ended.MEMORY
            return Report(ENDINGS[ended], message=_of_ending(ended, facts, limits, lines), resources=resources)


def _of_score(gates: bool, passed: bool, pass_mark: float) -> str:
    """Which checks failed is the business of the feedback level, not of the message."""
    if passed:
        return ""
    return f"The score is below the pass mark of {pass_mark:g}." if gates else "A compulsory check failed."


def _of_ending(ended: Ended, facts: Facts, limits: Limits, lines: int) -> str:
    match ended:
        case Ended.TIME if facts.cpu_seconds < limits.cpu_seconds:
            return f"Not done within {limits.wall_seconds:g} s on the clock."
        case Ended.TIME:
            return f"Not done within {limits.cpu_seconds:g} s of cpu time."
        case Ended.MEMORY:
            return f"More than {limits.memory_mb} MB of memory were needed."
        case Ended.OUTPUT:
            return f"More than {limits.output_kb} KB were printed or written."
        case Ended.PROTOCOL:
            return "The answers could not be read: something other than an answer was written to the judge's channel."
        case _ if facts.raised is not None:
            return _of_raised(facts.raised, lines)
        case _:
            return "The program ended before it had answered everything."


def _of_raised(raised: Raised, lines: int) -> str:
    """Only a built-in class and a line of the submitted file are told, so that nothing hidden travels in them."""
    known = getattr(builtins, raised.type, None) if isinstance(raised.type, str) else None
    name = known.__name__ if isinstance(known, type) and issubclass(known, BaseException) else "Exception"
    if type(raised.line) is int and 1 <= raised.line <= lines:
        return f"{name} was raised at line {raised.line}."
    return f"{name} was raised."
