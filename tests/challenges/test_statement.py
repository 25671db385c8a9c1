"""Statements: their examples are run, and what is rendered from the toml is all there."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from markdown_it import MarkdownIt

from challenges.kit import Data
from challenges.loader import Challenge, load, solutions
from challenges.statement import rendered_statement
from tests.challenges.conftest import SHIPPED
from tests.challenges.fake_attempt import grader_of


def submitted(challenge: Challenge) -> list[str]:
    """Words of the limits about what is handed in and where it runs."""
    if challenge.build is None:
        return [f"`{challenge.submit}`, at most {challenge.max_kb} KiB", f"`{challenge.runtime}`"]
    most = f"at most {challenge.max_files} files of together {challenge.max_kb} KiB"
    return [f"`{challenge.submit}` and", most, f"{challenge.build.seconds:g} s", f"{challenge.build.size_mb} MB"]


CHALLENGES = pytest.mark.parametrize("challenge", SHIPPED.values(), ids=lambda one: one.slug)


@contextlib.contextmanager
def module(path: Path) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("submitted", path)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    yield loaded
    sys.modules.pop("submitted", None)


def examples(challenge: Challenge) -> list[tuple[str, str]]:
    found = re.findall(r"(Input|Output):\n\n```csv\n(.*?)```", challenge.statement, re.DOTALL)
    return [(given, wanted) for (_, given), (_, wanted) in zip(found[::2], found[1::2], strict=True)]


def test_the_examples_of_messy_orders_come_out_as_stated() -> None:
    challenge = SHIPPED["messy-orders"]
    assert len(examples(challenge)) == 2
    for name in ("accepted/vectorised.py", "alternatives/plain_python.py", "time_limit/row_by_row.py"):
        with module(challenge.folder / "solutions" / name) as solution:
            for given, wanted in examples(challenge):
                assert solution.clean(given) == wanted, name


def test_at_least_two_wrong_solutions_pass_the_examples_so_that_hidden_tests_matter() -> None:
    challenge = SHIPPED["messy-orders"]
    passed = []
    for one in solutions(challenge):
        if one.kind == "wrong_answer" and not one.name.startswith("cheat"):
            with module(one.path) as solution:
                passed += [one.name] * all(solution.clean(given) == wanted for given, wanted in examples(challenge))
    assert len(passed) >= 2


def test_the_public_sample_of_messy_orders_is_right(data_of: Callable[[Challenge], Data]) -> None:
    challenge = SHIPPED["messy-orders"]
    public = data_of(challenge).public
    given, wanted = (public / "sample.csv").read_bytes().decode(), (public / "sample.clean.csv").read_bytes().decode()
    for name in ("accepted/vectorised.py", "alternatives/plain_python.py"):
        with module(challenge.folder / "solutions" / name) as solution:
            assert solution.clean(given) == wanted


def test_the_tables_of_the_starter_are_those_of_the_generator() -> None:
    challenge = SHIPPED["messy-orders"]
    with grader_of(challenge) as grader, module(challenge.folder / "starter" / "solution.py") as starter:
        words: Any = grader.words
        assert starter.CITIES == words.CITIES
        assert starter.COUNTRIES == words.COUNTRIES
        assert ",".join(words.OUT) + "\n" == starter.HEADER
        assert set(words.IN) <= set(re.findall(r"`(\w+)`", challenge.statement))


def test_the_numbers_and_columns_of_churn_are_those_of_the_generator(data_of: Callable[[Challenge], Data]) -> None:
    challenge = SHIPPED["churn-f1"]
    with grader_of(challenge) as grader:
        counts = {grader.TRAIN, grader.PUBLIC, grader.PRIVATE, grader.PUBLIC + grader.PRIVATE}
        columns = ["id", *grader.FEATURES, "churn"]
    said = {int(number.replace(" ", "")) for number in re.findall(r"\b\d+(?: \d{3})*\b", challenge.statement)}
    assert counts <= said
    table = re.findall(r"^\| `(\w+)` \|", challenge.statement, re.MULTILINE)
    assert table == columns
    assert (data_of(challenge).public / "train.csv").read_text().splitlines()[0] == ",".join(columns)


@CHALLENGES
def test_groups_limits_and_anchors_are_rendered(challenge: Challenge) -> None:
    text = rendered_statement(challenge)
    assert text.startswith(challenge.statement.rstrip())
    added = text[len(challenge.statement.rstrip()) :]
    for group in challenge.groups:
        row = next(line for line in added.splitlines() if line.startswith(f"| `{group.name}` |"))
        assert ("| yes |" in row) is group.gate
        for number in (group.lo, group.hi, group.threshold):
            assert number is None or f"{number:g}" in row
    limits = challenge.limits
    for words in (
        f"{limits.cpu_seconds:g} s",
        f"{limits.wall_seconds:g} s",
        f"{limits.memory_mb} MB",
        f"{limits.processes}",
        f"{limits.output_kb} KiB",
        f"{limits.files_mb} MB",
        *submitted(challenge),
        "70 of 100 points",
        "at most 60 points",
    ):
        assert words in added
    assert MarkdownIt().enable("table").render(text).count("<table>") >= 2


@CHALLENGES
def test_the_author_repeats_no_limit_that_the_toml_may_change(challenge: Challenge) -> None:
    numbers = (challenge.limits.cpu_seconds, challenge.limits.wall_seconds, challenge.limits.memory_mb)
    for number in numbers:
        assert not re.search(rf"\b{number:g} (s|seconds|MB)\b", challenge.statement)


def test_weights_become_points(folder: Path) -> None:
    text = rendered_statement(load(folder))
    assert "| `all` | 25 | yes | all or nothing |" in text
    assert "| `close` | 75 |  | nothing at 1, in full from 0.5, linear between; passed from 0.6 |" in text
