"""The challenges that ship: the full gate of each is green and not stale; a few are checked anew in real boxes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from challenges.loader import Challenge, builtin_root, load_all
from challenges.solutions import UNIVERSAL
from cli.trial import image_of
from sandbox.containers import DockerSandbox
from worker.check import check, stale

SHIPPED = load_all([builtin_root()])
DRAWN = 3
"""Challenges that are checked whatever was touched."""
BUDGET_SECONDS = 200.0
"""After so long no further check begins, so that a change to many challenges does not take the whole day."""


def git(folder: Path, *words: str) -> list[str]:
    """Lines that git answers about a folder; none where there is no history to ask."""
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def touched(folder: Path) -> bool:
    """Whether the last commit or the working tree changes something in it."""
    return bool(git(folder, "diff", "--name-only", "HEAD~1", "--", ".") or git(folder, "status", "--porcelain", "."))


def chosen() -> list[Challenge]:
    """Those that were touched, and then as many as are always checked, which the commit draws."""
    (commit,) = git(builtin_root(), "rev-parse", "HEAD") or [""]
    drawn = sorted(SHIPPED.values(), key=lambda one: hashlib.sha256(f"{commit} {one.slug}".encode()).digest())
    first = [one for one in drawn if touched(one.folder)]
    return first + [one for one in drawn[:DRAWN] if one not in first]


@pytest.fixture
def warm() -> Iterator[DockerSandbox]:
    found = DockerSandbox(instance=f"test-shipped-{os.getpid()}", image_of=image_of, warm_mb=1500)
    yield found
    found.close()
    assert found.leftovers() == []


@pytest.mark.parametrize("challenge", SHIPPED.values(), ids=lambda one: one.slug)
def test_the_full_gate_is_green_for_what_ships(challenge: Challenge) -> None:
    why = stale(challenge)
    assert not why, f"{why}: run `assay challenge check {challenge.slug} --full` and commit its gate.json"
    assert not [path for path in challenge.folder.rglob("*") if path.is_symlink()]
    cheats = {path.name[:2] for path in (challenge.folder / "solutions" / "cheats").iterdir()}
    assert cheats == set(UNIVERSAL)


@pytest.mark.timeout(1500)
def test_a_few_are_checked_in_real_boxes(warm: DockerSandbox) -> None:
    begun, failed, left = time.monotonic(), [], chosen()
    assert len(left) >= min(DRAWN, len(SHIPPED))
    while left and time.monotonic() - begun < BUDGET_SECONDS:
        gate = check(left.pop(0), warm)
        failed += [f"{gate.slug}: {item.id} {item.title}: {item.details}" for item in gate.items if item.ok is False]
    assert failed == []
    if left:
        warnings.warn(f"no time for {', '.join(one.slug for one in left)}: run `make gate`", stacklevel=1)


def test_a_folder_is_touched_by_the_last_commit_and_by_what_is_not_committed(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]

    def commit() -> None:
        for words in (["add", "."], ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-m", "more"]):
            subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)

    subprocess.run(["git", "init"], cwd=tmp_path, check=True, capture_output=True)
    for folder in folders:
        folder.mkdir()
        (folder / "grader.py").write_text("1")
        commit()
    assert [*map(touched, folders)] == [False, True]
    (folders[0] / "new.py").write_text("2")
    assert [*map(touched, folders)] == [True, True]
    commit()
    assert [*map(touched, folders)] == [True, False]
