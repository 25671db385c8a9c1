"""Challenges for the tests: those that ship, their data under one seed, and a small one to spoil."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from challenges.kit import Data
from challenges.loader import Challenge, builtin_root, load_all
from tests.challenges.fake_attempt import prepare

SHIPPED = load_all([builtin_root()])
BOXLESS = [SHIPPED[slug] for slug in ("messy-orders", "churn-f1")]
"""One that is called and one that is run, for what is about the kit and its callers. Each challenge by itself is proved by
the quality gate: tests/worker/test_shipped.py."""
TYPICAL = [*BOXLESS, SHIPPED["serve-model"]]
"""The same with one that is built and served, whose solutions cannot be judged without a box."""
SEED = b"a seed of the tests"

TOML = """\
title = "Double it"
skill = "programming"
level = 1
runtime = "python-ml"
submit = "solution.py"

[limits]
cpu_seconds = 2
memory_mb = 128

[baseline]
low = 0
high = 60

[[group]]
name = "all"
weight = 1
gate = true
hint = "Twice as much."

[[group]]
name = "close"
weight = 3
hint = "Closer."
lo = 1.0
hi = 0.5
threshold = 0.6

[sources]
numbers = "drawn by the grader"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small challenge that loads; tests break it in one way each."""
    folder = tmp_path / "programming" / "double-it"
    for name in ("starter", "solutions/accepted", "solutions/wrong_answer", "solutions/baseline"):
        (folder / name).mkdir(parents=True)
        (folder / name / "solution.py").write_text("def double(x):\n    return x\n")
    (folder / "challenge.toml").write_text(TOML)
    (folder / "statement.md").write_text("# Double it\n")
    (folder / "grader.py").write_text('"""Doubles."""\n')
    return folder


@pytest.fixture(scope="session")
def data_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Challenge], Data]:
    """The data of a shipped challenge, made once."""
    root = tmp_path_factory.mktemp("prepared")
    made: dict[str, Data] = {}

    def get(challenge: Challenge) -> Data:
        if challenge.slug not in made:
            made[challenge.slug] = prepare(challenge, SEED, root / challenge.slug)
        return made[challenge.slug]

    return get
