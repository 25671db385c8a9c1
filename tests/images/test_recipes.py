"""Recipes and locks: what names an image, and what may stand in a lock."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import images
from sandbox.images import BASE, RUNTIMES, image_tag, parent, recipe_digest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock", *sorted(images.ROOT.glob("*/*.lock"))]


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of all recipes that a test may change."""
    shutil.copytree(images.ROOT, tmp_path / "images")
    with monkeypatch.context() as patch:
        patch.setattr(images, "ROOT", tmp_path / "images")
        recipe_digest.cache_clear()
        yield tmp_path / "images"
    recipe_digest.cache_clear()


def _again() -> dict[str, str]:
    recipe_digest.cache_clear()
    return {name: recipe_digest(name) for name in (BASE, "python-ml")}


def test_the_digest_counts_every_file_and_its_name(recipes: Path) -> None:
    seen = [_again()["python-ml"]]
    (recipes / "python-ml" / "more").write_text("one")
    seen.append(_again()["python-ml"])
    (recipes / "python-ml" / "more").write_text("two")
    seen.append(_again()["python-ml"])
    (recipes / "python-ml" / "more").rename(recipes / "python-ml" / "other")
    seen.append(_again()["python-ml"])
    assert len(set(seen)) == len(seen)


def test_the_digest_counts_the_recipe_below(recipes: Path) -> None:
    before = _again()
    (recipes / BASE / "packages.txt").write_text("python3\n")
    after = _again()
    assert before[BASE] != after[BASE]
    assert before["python-ml"] != after["python-ml"]


def test_the_digest_does_not_count_what_is_no_part_of_a_recipe(recipes: Path) -> None:
    before = _again()
    (recipes / "python-ml" / "__pycache__").mkdir()
    (recipes / "python-ml" / "__pycache__" / "x.pyc").write_bytes(b"x")
    (recipes / "python-ml" / ".swp").write_text("x")
    assert _again() == before


def test_names() -> None:
    assert "python-ml" in RUNTIMES
    assert BASE not in RUNTIMES
    assert parent("python-ml") == BASE
    assert parent(BASE) is None
    assert re.fullmatch(r"assay/python-ml:[0-9a-f]{16}", image_tag("python-ml"))
    for wrong in ("python", "../images/base", ""):
        with pytest.raises(LookupError):
            image_tag(wrong)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_pins_and_hashes_everything_and_names_no_host(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    for entry in entries:
        assert re.match(r"^[a-z0-9._-]+(\[[a-z,]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_no_lock_brings_a_gpu_build() -> None:
    for lock in LOCKS:
        assert not re.search(r"^(nvidia|cuda|triton|cupy)", lock.read_text(), re.MULTILINE), lock


def test_project_and_runtimes_use_the_same_versions() -> None:
    def versions(lock: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock.read_text(), re.MULTILINE))

    locks = {lock.parent.name: versions(lock) for lock in LOCKS if lock.name == "requirements.lock"}
    locks["the tests"] = versions(ROOT / "requirements-dev.lock")
    beside = {
        "python-torch",
        "python-keras",
        "python-similarity",
        "python-tools",
    }  # hold what python-ml or the base has not
    assert len(locks) == 4 + len(beside)
    for one, other in itertools.combinations(locks, 2):
        both = locks[one].keys() & locks[other].keys()
        assert {one, other} & beside or {"numpy", "flask", "typing-extensions", "click"} & both, (one, other)
        assert {name: locks[one][name] for name in both} == {name: locks[other][name] for name in both}, (one, other)
    assert not (locks["python-torch"].keys() | locks["python-keras"].keys()) & locks["python-ml"].keys()
    assert {"numpy", "pandas", "scikit-learn"} <= locks["python-ml"].keys() & locks["python-wheelhouse"].keys()


def test_a_recipe_without_locks_is_one_without_packages() -> None:
    recipe = images.ROOT / "python-slim"
    assert [path.name for path in recipe.iterdir()] == ["Dockerfile"]
    assert (parent("python-slim"), parent("python-wheelhouse")) == (BASE, "python-slim")
    assert {"python-slim", "python-wheelhouse"} <= set(RUNTIMES)
