"""A report survives its own JSON, and nothing else passes for one."""

from __future__ import annotations

from typing import Any

import pytest

from challenges.kit import Group, Score
from challenges.report import Report, Resources, Verdict

SCORE = Score.of([Group("a", 1, True, "hint")], {"a": True}, metric=0.5, standard_error=0.1)
FULL = Report(Verdict.accepted, SCORE, SCORE.checks, "well done", Resources(1.5, 2, 30))
BARE = Report(Verdict.judge_error)


def test_every_verdict_has_letters_of_its_own() -> None:
    assert [verdict.letters for verdict in Verdict] == ["AC", "WA", "PE", "CE", "RTE", "TLE", "MLE", "OLE", "JE"]


@pytest.mark.parametrize("report", [FULL, BARE], ids=["full", "bare"])
def test_reports_come_back_as_they_were(report: Report) -> None:
    assert Report.from_json(report.as_json()) == report


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "perfect"},
        {"verdict": None},
        {"message": None},
        {"message": "x" * 2001},
        {"checks": []},
        {"checks": None},
        {"score": {}},
        {"resources": {"cpu_seconds": 1}},
        {"resources": {"cpu_seconds": -1, "wall_seconds": 1, "peak_memory_mb": 1}},
        {"resources": {"cpu_seconds": float("nan"), "wall_seconds": 1, "peak_memory_mb": 1}},
        {"more": 1},
    ],
)
def test_what_is_no_report_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Report.from_json(FULL.as_json() | change)


def test_checks_belong_to_a_score() -> None:
    with pytest.raises(ValueError, match="those of its score"):
        Report(Verdict.accepted, None, SCORE.checks)
