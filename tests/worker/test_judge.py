"""The one table from facts to verdicts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from challenges.kit.score import Group, Score
from challenges.report import Verdict
from sandbox.types import Ended, Limits
from worker.judge import Facts, GraderFailed, Outcome, Raised, Scored, Stopped, Unreadable, judge

LIMITS = Limits.of(cpu_seconds=5, memory_mb=100)
GROUPS = (Group("gate", 30, gate=True, hint="h"), Group("rest", 70))


def verdict(outcome: Outcome, facts: Facts | None = None) -> Verdict:
    return judge(outcome, facts or Facts(), LIMITS, pass_mark=70, lines=10).verdict


@pytest.mark.parametrize(
    ("ended", "kills", "expected"),
    [
        (Ended.EXIT, 0, "runtime_error"),
        (Ended.SIGNAL, 0, "runtime_error"),
        (Ended.TIME, 0, "time_limit"),
        (Ended.MEMORY, 1, "memory_limit"),
        (Ended.OUTPUT, 0, "output_limit"),
        (Ended.PROTOCOL, 0, "invalid_output"),
        (None, 0, "runtime_error"),
        (Ended.EXIT, 1, "memory_limit"),
        (Ended.SIGNAL, 1, "memory_limit"),
        (Ended.TIME, 1, "memory_limit"),
        (Ended.OUTPUT, 1, "output_limit"),
        (Ended.PROTOCOL, 1, "invalid_output"),
    ],
)
def test_the_table(ended: Ended | None, kills: int, expected: str) -> None:
    assert verdict(Stopped(), Facts(ended=ended, oom_kills=kills)) == expected


@pytest.mark.parametrize(
    ("gate", "rest", "expected"),
    [
        (True, True, "accepted"),
        (False, True, "wrong_answer"),
        (True, False, "wrong_answer"),
        (False, False, "wrong_answer"),
    ],
)
def test_accepted_needs_the_pass_mark_and_every_gate(gate: bool, rest: bool, expected: str) -> None:
    assert verdict(Scored(Score.of(GROUPS, {"gate": gate, "rest": rest}))) == expected


def test_a_memory_kill_does_not_matter_once_everything_is_answered() -> None:
    score = Scored(Score.of(GROUPS, {"gate": True, "rest": True}))
    assert verdict(score, Facts(oom_kills=3)) == "accepted"


def test_other_owners() -> None:
    assert verdict(Unreadable("x")) == "invalid_output"
    report = judge(GraderFailed("a secret of the author"), Facts(), LIMITS, pass_mark=70, lines=1)
    assert report.verdict == "judge_error"
    assert "secret" not in str(report.as_json())


@given(
    st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text())),
    st.one_of(st.text(), st.integers(), st.floats(), st.none()),
)
def test_what_a_submission_says_of_its_exception_carries_nothing_out(type: object, line: object) -> None:
    facts = Facts(ended=Ended.EXIT, raised=Raised(type, line))
    message = judge(Stopped(), facts, LIMITS, pass_mark=70, lines=10).message
    allowed = {
        f"{name} was raised{at}." for name in ("Exception",) for at in ("", *(f" at line {n}" for n in range(1, 11)))
    }
    assert message in allowed or getattr(__builtins__, str(type), None) or type in dir(__import__("builtins"))


@pytest.mark.parametrize(
    ("type", "name"), [("KeyError", "KeyError"), ("print", "Exception"), ("Secret", "Exception"), (3, "Exception")]
)
def test_only_built_in_exceptions_are_named(type: object, name: str) -> None:
    told = judge(Stopped(), Facts(ended=Ended.EXIT, raised=Raised(type, 3)), LIMITS, pass_mark=70, lines=10).message
    assert told == f"{name} was raised at line 3."


@pytest.mark.parametrize("line", [0, -1, 11, 10**9, True, "3", 3.0, None])
def test_a_line_outside_the_file_is_not_told(line: object) -> None:
    told = judge(
        Stopped(), Facts(ended=Ended.EXIT, raised=Raised("KeyError", line)), LIMITS, pass_mark=70, lines=10
    ).message
    assert told == "KeyError was raised."
