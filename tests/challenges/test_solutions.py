"""What shipped solutions say of themselves, and the shipped challenges judged without a box (with one: tests/worker)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from challenges.kit import Data
from challenges.loader import Challenge, ChallengeError, Solution, load, solutions
from challenges.report import Verdict
from challenges.solutions import Expectation, expectation
from tests.challenges.conftest import BOXLESS, SEED, SHIPPED
from tests.challenges.fake_attempt import judge_trusted


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("# expect: only=dates score<=60", Expectation(fails=None, only="dates", high=60)),
        ("// expect: fails=all score>=10 score<=20.5", Expectation(fails="all", low=10, high=20.5)),
        ("-- expect: verdict=time_limit", Expectation(verdict="time_limit")),
        ("#expect:", Expectation()),
        ("# expects nothing", Expectation()),
        ('"""expect: only=dates"""', Expectation()),
        ("", Expectation()),
    ],
)
def test_first_lines(line: str, expected: Expectation) -> None:
    assert expectation(line.encode() + b"\n# expect: nonsense\n", "a.py") == expected
    assert expectation(line.encode() + b"\r\n", "a.py") == expected


@pytest.mark.parametrize(
    "line",
    [
        "# expect: nonsense",
        "# expect: only=a only=b",
        "# expect: only=a fails=b",
        "# expect: score<60",
        "# expect: score<=many",
        "# expect: verdict=perfect",
        "# expect: only=",
    ],
)
def test_a_first_line_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(ChallengeError, match=re.escape("a.py")):
        expectation(line.encode(), "a.py")


def test_kinds_come_from_folders(folder: Path) -> None:
    for kind, line in (
        ("alternatives", "# expect: only=close"),
        ("time_limit", ""),
        ("baseline", "# expect: verdict=wrong_answer"),
    ):
        (folder / "solutions" / kind).mkdir(exist_ok=True)
        (folder / "solutions" / kind / "solution.py").write_text(f"{line}\n")
    found = {one.kind: one for one in solutions(load(folder))}
    assert {kind: (one.expected, one.low, one.high) for kind, one in found.items()} == {
        "accepted": ("accepted", 100, 100),
        "alternatives": ("accepted", 70, 100),
        "baseline": ("wrong_answer", 0, 60),
        "time_limit": ("time_limit", 0, 70),
        "wrong_answer": ("wrong_answer", 0, 70),
    }
    assert (found["alternatives"].must_fail, found["alternatives"].only) == ("close", True)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("perfect/a.py", "", "a folder of solutions is named"),
        ("judge_error/a.py", "", "a folder of solutions is named"),
        ("wrong_answer/a.py", "# expect: only=nowhere", "there is no group nowhere"),
        ("wrong_answer/a.py", "# expect: verdict=accepted", "the folder says the verdict"),
    ],
)
def test_bad_solutions_are_refused(folder: Path, name: str, line: str, message: str) -> None:
    (folder / "solutions" / name).parent.mkdir(exist_ok=True)
    (folder / "solutions" / name).write_text(line)
    with pytest.raises(ChallengeError, match=message):
        solutions(load(folder))


def test_every_exact_group_of_messy_orders_is_alone_in_failing_for_some_solution() -> None:
    challenge = SHIPPED["messy-orders"]
    alone = {one.must_fail for one in solutions(challenge) if one.only}
    assert alone == {group.name for group in challenge.groups}


def quick() -> list[tuple[Challenge, Solution]]:
    """What is right, what is nearly nothing, and what is invalid: seconds each. The rest needs real limits or a box.

    So does whatever is built and served; tests/worker runs all of them in real boxes.
    """
    kinds = ("accepted", "alternatives", "baseline", "invalid_output")
    return [(challenge, one) for challenge in BOXLESS for one in solutions(challenge) if one.kind in kinds]


@pytest.mark.parametrize(("challenge", "solution"), quick(), ids=lambda one: getattr(one, "slug", None) or one.name)
def test_right_and_invalid_solutions_without_a_box(
    challenge: Challenge, solution: Solution, data_of: Callable[[Challenge], Data]
) -> None:
    report = judge_trusted(challenge, data_of(challenge), SEED, solution.files[challenge.submit])
    points = report.score.points if report.score else 0
    assert solution.expected in (None, report.verdict), report
    assert solution.low <= points <= solution.high, report
    failed = [check.name for check in report.checks if not check.passed]
    assert not solution.only or failed == [solution.must_fail], report


@pytest.mark.parametrize("challenge", BOXLESS, ids=lambda one: one.slug)
def test_a_starter_is_a_whole_submission(challenge: Challenge, data_of: Callable[[Challenge], Data]) -> None:
    source = challenge.starter[challenge.submit]
    assert len(source) <= 1024 * challenge.max_kb
    assert judge_trusted(challenge, data_of(challenge), SEED, source).verdict is Verdict.wrong_answer
