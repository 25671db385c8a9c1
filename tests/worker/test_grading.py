"""Grading between two real boxes: what each kind of submission and each kind of grader comes to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from challenges.loader import Challenge, load
from sandbox.types import Abandoned
from tests.worker.conftest import SEEDS, TOYS, Judged, Submit, judge_files
from worker.graders import GraderFault, Prepared
from worker.grading import Grading, attempt_key
from worker.judge import GraderFailed

CALLS = [
    ("def double(x): return 2 * x", "accepted", 100.0),
    ("def double(x): return x", "wrong_answer", 0.0),
    ("n = 0\ndef double(x):\n    global n; n += 1\n    while n > 25: pass\n    return 2 * x", "wrong_answer", 40.0),
    ("def double(x): raise KeyError('canary')", "runtime_error", None),
    ("import sys; sys.exit(0)", "runtime_error", None),
    ("import os; os._exit(0)", "runtime_error", None),
    ("x =", "runtime_error", None),
    ("", "runtime_error", None),
    ("def double(x): return '4'", "invalid_output", None),
    ("def double(x): return object()", "invalid_output", None),
    ("def double(x): return float('nan')", "invalid_output", None),
    ("def double(x): return True", "invalid_output", None),
    ("def double(x): return [2 * x]", "invalid_output", None),
    ("def double(x):\n    while True: pass", "time_limit", None),
    ("import time\ndef double(x): time.sleep(60)", "time_limit", None),
    ("def double(x):\n    a = []\n    while True: a.append(bytearray(10**6))", "memory_limit", None),
    ("def double(x):\n    print('x' * 100_000)\n    return 2 * x", "output_limit", None),
    ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", "time_limit", None),
    ('def double(x):\n    print(\'{"verdict": "accepted", "score": 100}\')\n    return 0', "wrong_answer", 0.0),
]


@pytest.mark.parametrize(("source", "verdict", "points"), CALLS)
def test_what_becomes_of_a_function(submit: Submit, source: str, verdict: str, points: float | None) -> None:
    judged = submit("toy-call", source)
    assert judged.report.verdict == verdict, judged
    assert (judged.report.score.points if judged.report.score else None) == points
    assert submit("toy-call", CALLS[0][0]).report.verdict == "accepted", "the next honest submission is judged normally"


PROGRAMS = [
    ("print(sum(map(int, open('data/numbers.txt'))), file=open('sum.txt', 'w'))", "accepted"),
    ("print(0, file=open('sum.txt', 'w'))", "wrong_answer"),
    ("pass", "invalid_output"),
    ("open('sum.txt', 'wb').write(b'\\xff')", "invalid_output"),
    ("import os; os.symlink('/etc/hostname', 'sum.txt')", "invalid_output"),
    ("1 / 0", "runtime_error"),
    ("import sys; sys.exit(3)", "runtime_error"),
    ("import os; os.kill(os.getpid(), 11)", "runtime_error"),
    ("raise MemoryError", "runtime_error"),
    ("while True: pass", "time_limit"),
    ("x = []\nwhile True: x.append(bytearray(10**6))", "memory_limit"),
    ("while True: print('x' * 1000)", "output_limit"),
    ("import time; time.sleep(60)", "time_limit"),
]


@pytest.mark.parametrize(("source", "verdict"), PROGRAMS)
def test_what_becomes_of_a_program(submit: Submit, source: str, verdict: str) -> None:
    assert submit("toy-run", source).report.verdict == verdict


def notebook(*cells: str) -> bytes:
    """As Jupyter writes one."""
    said = [{"cell_type": "code", "metadata": {}, "source": cell.splitlines(keepends=True)} for cell in cells]
    return json.dumps({"cells": said, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1).encode()


SUM = ("numbers = open('data/numbers.txt')", "%matplotlib inline\ntotal = sum(map(int, numbers))")


@pytest.mark.parametrize(
    ("cells", "verdict", "message"),
    [
        ((*SUM, "display(total)\nprint(total, file=open('sum.txt', 'w'))"), "accepted", None),
        ((*SUM, "print(total + 1, file=open('sum.txt', 'w'))"), "wrong_answer", None),
        ((*SUM, "\nprint(totals)"), "runtime_error", "NameError was raised at line 5."),
        ((*SUM, "!cp data/numbers.txt sum.txt"), "runtime_error", "SyntaxError was raised."),
        ((*SUM, "import sys\nsys.exit(3)"), "runtime_error", None),
        (("while True: pass",), "time_limit", None),
    ],
)
def test_what_becomes_of_a_notebook(
    tmp_path: Path, grading: Grading, cells: tuple[str, ...], verdict: str, message: str | None
) -> None:
    folder = tmp_path / "programming" / "toy-notebook"
    shutil.copytree(TOYS / "programming" / "toy-run", folder)
    for name in ("challenge.toml", "grader.py"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("solution.py", "solution.ipynb"))
    (folder / "starter" / "solution.ipynb").write_bytes(notebook(*SUM))
    challenge = load(folder)
    prepared = Prepared(challenge.version, SEEDS[0], *grading.generate(challenge, SEEDS[0]))
    judged = judge_files(grading, challenge, prepared, {"solution.ipynb": notebook(*cells)})
    assert judged.report.verdict == verdict, judged
    assert message is None or judged.report.message == message


def test_messages_tell_a_class_and_a_line_and_no_more(submit: Submit) -> None:
    class_of_my_own = "class Canary(ValueError): pass\ndef double(x): raise Canary(str(x))"
    assert submit("toy-call", class_of_my_own).report.message == "ValueError was raised at line 2."
    assert submit("toy-run", "\n\n1 / 0").report.message == "ZeroDivisionError was raised at line 3."
    forged = "code = compile('\\n' * 776 + '1 / 0', 'solution.py', 'exec')\nexec(code)"
    assert submit("toy-run", forged).report.message == "ZeroDivisionError was raised."


def test_an_overrun_group_costs_that_group_and_the_next_meets_a_fresh_process(submit: Submit) -> None:
    judged = submit("toy-call", CALLS[2][0])
    assert [check.passed for check in judged.report.checks] == [True, False]
    assert 0.5 <= judged.facts.cpu_seconds < 1.5
    assert judged.facts.ended is None


def test_the_same_bytes_meet_the_same_random_numbers() -> None:
    files = {"a.py": b"1", "b.py": b"2"}
    assert attempt_key(b"s", files) == attempt_key(b"s", dict(reversed(files.items())))
    others = [(b"t", files), (b"s", {"a.py": b"12", "b.py": b""}), (b"s", {"a.py": b"2", "b.py": b"1"})]
    assert attempt_key(b"s", files) not in [attempt_key(seed, other) for seed, other in others]


def test_a_claim_nobody_wants_any_more_is_abandoned(grading: Grading, challenges: dict[str, Challenge]) -> None:
    challenge = challenges["toy-run"]
    prepared = Prepared("abandon", SEEDS[0], *grading.generate(challenge, SEEDS[0]))
    with pytest.raises(Abandoned):
        grading.grade(challenge, prepared, {"solution.py": b"import time; time.sleep(60)"}, abandoned=lambda: True)


# -- graders that are not as they should be: the author's fault, never the participant's

Author = Callable[[str], Judged]
HONEST = "def double(x): return 2 * x"


@pytest.fixture
def author(tmp_path: Path, grading: Grading) -> Callable[..., object]:
    """Grade an honest submission with a grade function whose body is given."""

    def go(body: str, *, generate: str = "pass", seconds: int = 20) -> object:
        folder = tmp_path / "programming" / "toy-call"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(TOYS / "programming" / "toy-call", folder)
        (folder / "grader.py").write_text(
            "import os, sys, time\nfrom challenges.kit import *\nfrom challenges.kit import attempt as module\n"
            f"def generate(data):\n    {generate}\ndef grade(attempt, data):\n    {body}\n"
        )
        toml = (folder / "challenge.toml").read_text()
        (folder / "challenge.toml").write_text(toml.replace("wall_seconds = 20", f"wall_seconds = {seconds}"))
        challenge = load(folder)
        public, hidden = grading.generate(challenge, SEEDS[0])
        return grading.grade(
            challenge, Prepared(challenge.version, SEEDS[0], public, hidden), {"solution.py": HONEST.encode()}
        )[0]

    return go


RIGHT = 'return Score.of(data.groups, {"small": True, "quick": True})'


@pytest.mark.parametrize(
    "body",
    [
        "1 / 0",
        "return 100",
        'return Score.of(data.groups, {"small": True})',
        'attempt.call("double", [[object()]], returns=Number())',
        "os._exit(0)",
        "os.kill(os.getpid(), 9)",
        "sys.exit(0)",
        "x = []\n    while True: x.append(bytearray(10**6))",
        "os.write(3, b'x' * 100)\n    for fd in range(3, 30):\n        try: os.write(fd, b'x' * 100)\n        except OSError: pass\n    "
        + RIGHT,
        'attempt.run(["python3", "solution.py"], inputs={"../escape": b""}, outputs=[])',
        'attempt.run(["python3", "solution.py"], inputs={}, outputs=["/etc/passwd"])',
    ],
)
def test_a_failing_grader_is_the_authors_fault(author: Callable[[str], object], submit: Submit, body: str) -> None:
    assert isinstance(author(body), GraderFailed)
    assert submit("toy-call", HONEST).report.verdict == "accepted"


def test_the_control_of_the_failing_graders(author: Callable[[str], object]) -> None:
    assert not isinstance(author(RIGHT), GraderFailed)


def test_a_grader_that_never_ends_is_ended(author: Callable[..., object]) -> None:
    assert isinstance(author("time.sleep(600)", seconds=2), GraderFailed)


@pytest.mark.parametrize(
    "body",
    ["1 / 0", "(data.public / 'a b').write_text('x')", "os._exit(1)", "(data.hidden / '.hidden').write_text('x')"],
)
def test_a_failing_generate_is_the_authors_fault(author: Callable[..., object], body: str) -> None:
    with pytest.raises(GraderFault):
        author(RIGHT, generate=body)


def test_the_grader_never_sees_the_submission_and_the_submission_never_the_hidden_data(
    author: Callable[[str], object], submit: Submit
) -> None:
    look = (
        "import os\n"
        "def double(x):\n"
        "    found = [os.path.join(top, name) for top, _, names in os.walk('/tmp') for name in names]\n"
        "    assert not [name for name in found if 'grader' in name or 'hidden' in name or 'numbers' in name or 'kit' in name], found\n"
        "    return 2 * x\n"
    )
    assert submit("toy-call", look).report.verdict == "accepted"
    outcome = author("assert not [n for t, _, ns in os.walk('/tmp/work') for n in ns if n == 'solution.py'];" + RIGHT)
    assert not isinstance(outcome, GraderFailed)
