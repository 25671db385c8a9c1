"""A challenge's version changes exactly when something that can change a score changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from challenges import kit
from challenges.loader import load
from challenges.version import kit_digest
from tests.challenges.conftest import TOML

PINNED = {1: "fb337b964226a2fea8923072a35dd1ffee4cec3318e4a9fd13e95330e7cb1111"}
"""For each kit.VERSION, the digest of the kit's files. A changed kit fails the test below, and somebody has to choose:
can the change alter any score? Then raise kit.VERSION (every challenge's data are made anew, every gate is passed again);
otherwise only write the new digest here."""


def test_somebody_decided_whether_the_kit_changes_scores() -> None:
    assert PINNED.get(kit.VERSION) == kit_digest(), "see PINNED in this file"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cpu_seconds = 2", "cpu_seconds = 3"),
        ("memory_mb = 128", "memory_mb = 129"),
        ("weight = 1\n", "weight = 2\n"),
        ("gate = true", "gate = false"),
        ("hi = 0.5", "hi = 0.4"),
        ("threshold = 0.6", "threshold = 0.7"),
        ("level = 1", "level = 1\nmodules = ['numpy']"),
        ("level = 1", "level = 1\nmax_kb = 1"),
        ("[baseline]", "[grader]\nmemory_mb = 512\n[baseline]"),
    ],
)
def test_graded_keys_change_it(folder: Path, old: str, new: str) -> None:
    before = load(folder).version
    (folder / "challenge.toml").write_text(TOML.replace(old, new, 1))
    assert load(folder).version != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Double it"', '"Twice"'),
        ("level = 1", "level = 2\ntags = ['easy']\nfeedback = 'F3'"),
        ("high = 60", "high = 50"),
        ('"Closer."', '"Much closer."'),
        ('"drawn by the grader"', '"drawn"'),
        ("level = 1", "# a comment\nlevel = 1\nmax_kb = 256"),
    ],
)
def test_other_keys_do_not(folder: Path, old: str, new: str) -> None:
    before = load(folder).version
    (folder / "challenge.toml").write_text(TOML.replace(old, new, 1))
    assert load(folder).version == before


@pytest.mark.parametrize("name", ["grader.py", "table.csv", "tables/one.csv"])
def test_code_and_data_change_it(folder: Path, name: str) -> None:
    before = load(folder).version
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("something else")
    changed = load(folder).version
    assert changed != before
    (folder / name).rename(folder / "renamed.txt")
    (folder / "grader.py").touch()
    assert load(folder).version not in (before, changed)


@pytest.mark.parametrize(
    "name", ["statement.md", "starter/solution.py", "solutions/accepted/more.py", "gate.json", "__pycache__/grader.pyc"]
)
def test_texts_and_solutions_do_not(folder: Path, name: str) -> None:
    before = load(folder).version
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("something else")
    assert load(folder).version == before


def test_kit_version_and_recipe_change_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load(folder).version
    with monkeypatch.context() as patch:
        patch.setattr("challenges.kit.VERSION", kit.VERSION + 1)
        assert load(folder).version != before
    with monkeypatch.context() as patch:
        patch.setattr("sandbox.images.recipe_digest", lambda runtime: "another recipe")
        assert load(folder).version != before
    assert load(folder).version == before


def test_the_place_of_the_folder_does_not(folder: Path, tmp_path: Path) -> None:
    before = load(folder).version
    (tmp_path / "elsewhere").mkdir()
    moved = folder.parent.rename(tmp_path / "elsewhere" / "programming") / folder.name
    assert load(moved).version == before
