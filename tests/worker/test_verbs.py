"""Sessions, submitted files and tools between real boxes: what keeps state, what reads a stranger's bytes, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from challenges.loader import Challenge, load_all, solutions
from tests.worker.conftest import SEEDS, Judged, judge_files
from worker.graders import Prepared
from worker.grading import Grading

Judge = Callable[[str, Mapping[str, bytes]], Judged]


@pytest.fixture(scope="module")
def challenges() -> dict[str, Challenge]:
    """Two that ask in these ways and for nothing else."""
    return load_all([Path(__file__).parent / "verbs"])


@pytest.fixture(scope="module")
def judge(grading: Grading, challenges: dict[str, Challenge]) -> Judge:
    made: dict[str, Prepared] = {}

    def go(slug: str, files: Mapping[str, bytes]) -> Judged:
        challenge = challenges[slug]
        if slug not in made:
            made[slug] = Prepared(challenge.version, SEEDS[0], *grading.generate(challenge, SEEDS[0]))
        return judge_files(grading, challenge, made[slug], files)

    return go


@pytest.mark.parametrize("slug", ["toy-session", "toy-notes"])
def test_the_toys_own_solutions_come_to_what_they_say(
    judge: Judge, challenges: dict[str, Challenge], slug: str
) -> None:
    for one in solutions(challenges[slug]):
        found = judge(slug, one.files)
        assert one.expected in (None, found.report.verdict), (one, found)
        points = found.report.score.points if found.report.score else 0
        assert one.low <= points <= one.high, (one, found)


TOTAL = "class Total:\n    def __init__(self, start): self.v = start\n    def add(self, x): {}\ndef count(): return 0\n"


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        (TOTAL.format("raise KeyError('canary')"), "runtime_error"),
        (TOTAL.format("return 'text'"), "invalid_output"),
        (TOTAL.format("return float('nan')"), "invalid_output"),
        (TOTAL.format("import os; os._exit(0)"), "runtime_error"),
        (TOTAL.format("return max(iter(int, 1))"), "time_limit"),
        ("def count(): return 0", "runtime_error"),
        ("class Total:\n    def __new__(cls, start): raise SystemExit(0)", "runtime_error"),
    ],
)
def test_what_becomes_of_a_session(judge: Judge, source: str, verdict: str) -> None:
    assert judge("toy-session", {"solution.py": source.encode()}).report.verdict == verdict


def test_two_processes_share_the_cpu_of_one_submission(judge: Judge) -> None:
    busy = "import time\nend = time.process_time() + 1.2\nwhile time.process_time() < end: pass\n"
    found = judge("toy-session", {"solution.py": (busy + TOTAL.format("self.v += x; return self.v")).encode()})
    assert found.report.verdict == "time_limit", "each is within the limit of 2 s, both are not"


NOTES = b"# Title\none two\n"


@pytest.mark.parametrize(
    ("files", "verdict"),
    [
        ({"notes.md": NOTES}, "accepted"),
        ({"notes.md": NOTES, "json.py": b"1 / 0", "count.py": b"1 / 0"}, "accepted"),
        ({"notes.md": b"# Title\n\xff\xfe\n"}, "invalid_output"),
        ({"notes.md": b""}, "wrong_answer"),
    ],
)
def test_what_becomes_of_files(judge: Judge, files: Mapping[str, bytes], verdict: str) -> None:
    assert judge("toy-notes", files).report.verdict == verdict
