"""Prepared data: the same seed gives the same bytes, another seed others, and nothing hidden lies among the public."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from challenges.kit import Data
from challenges.loader import Challenge
from tests.challenges.conftest import SEED, TYPICAL
from tests.challenges.fake_attempt import prepare

CHALLENGES = pytest.mark.parametrize("challenge", TYPICAL, ids=lambda one: one.slug)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@CHALLENGES
def test_the_seed_decides_every_byte(
    challenge: Challenge, data_of: Callable[[Challenge], Data], tmp_path: Path
) -> None:
    first, again = data_of(challenge), prepare(challenge, SEED, tmp_path / "again")
    other = prepare(challenge, b"another seed", tmp_path / "other")
    assert contents(first.public) == contents(again.public)
    assert contents(first.hidden) == contents(again.hidden)
    assert contents(first.public) != contents(other.public)
    others = contents(other.hidden)
    same = {name for name, content in contents(first.hidden).items() if others[name] == content}
    # Only files without a single order are alike under every seed.
    assert same <= {f"schema-and-order/{number}{end}" for number in (5, 6) for end in (".csv", ".clean.csv")}


@CHALLENGES
def test_names_are_plain_and_sizes_modest(challenge: Challenge, data_of: Callable[[Challenge], Data]) -> None:
    data = data_of(challenge)
    found = contents(data.public) | contents(data.hidden)
    assert all(re.fullmatch(r"([A-Za-z0-9_-][A-Za-z0-9._-]*/)?[A-Za-z0-9_-][A-Za-z0-9._-]*", name) for name in found)
    assert contents(data.public) and contents(data.hidden)
    assert sum(map(len, found.values())) < 32 * 2**20


@CHALLENGES
def test_no_hidden_line_is_public(challenge: Challenge, data_of: Callable[[Challenge], Data]) -> None:
    data = data_of(challenge)

    def rows(folder: Path) -> set[bytes]:
        lines = [line for content in contents(folder).values() for line in content.splitlines()[1:]]
        return {line for line in lines if line.count(b",") > 5}

    assert rows(data.public) and rows(data.hidden)
    assert not rows(data.public) & rows(data.hidden)
