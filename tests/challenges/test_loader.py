"""A challenge folder is read strictly: whatever is wrong with it, the message names the file and the key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from challenges.keys import KEYS, REQUIRED, SKILLS
from challenges.loader import ChallengeError, builtin_root, load, load_all
from sandbox.types import Limits
from tests.challenges.conftest import SHIPPED, TOML


def test_the_small_challenge_loads(folder: Path) -> None:
    challenge = load(folder)
    assert (challenge.slug, challenge.skill, challenge.level, challenge.points) == ("double-it", "programming", 1, 100)
    assert challenge.limits == Limits.of(cpu_seconds=2, memory_mb=128)
    assert challenge.limits.wall_seconds == 14
    assert (challenge.feedback, challenge.max_kb, challenge.grader_runtime) == ("F1", 256, "python-ml")
    assert challenge.max_files == 1
    assert challenge.starter == {"solution.py": b"def double(x):\n    return x\n"}
    assert [(group.name, group.gate, group.lo) for group in challenge.groups] == [
        ("all", True, None),
        ("close", False, 1),
    ]
    assert (challenge.baseline, challenge.pass_mark) == ((0, 60), 70)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "titel =", "unknown key titel"),
        ('title = "Double it"\n', "", "the key title is missing"),
        ('"Double it"', '""', "title must be: text of one line"),
        ('"Double it"', f'"{"x" * 201}"', "title must be: text of one line"),
        ('"Double it"', '"two\\nlines"', "title must be: text of one line"),
        ('"Double it"', "7", "title must be: text of one line"),
        ("level = 1", "level = 5", "level must be: whole number from 1 to 4"),
        ("level = 1", "level = true", "level must be: whole number from 1 to 4"),
        ("level = 1", "level = 1.0", "level must be: whole number from 1 to 4"),
        ('"programming"', '"mathematics"', "skill must be the name of the folder above, programming"),
        ('"programming"', '"cooking"', "skill must be: one of the eight skills"),
        ('"python-ml"', '"cobol"', "runtime: no runtime 'cobol'"),
        ('submit = "solution.py"', 'submit = "../solution.py"', "submit must be: file name"),
        ('submit = "solution.py"', 'submit = ".hidden"', "submit must be: file name"),
        ('submit = "solution.py"', 'submit = "other.py"', "starter/other.py is missing"),
        ("level = 1", "level = 1\nmax_files = 0", "max_files must be: whole number greater than 0"),
        ("level = 1", "level = 1\nmax_files = 2.0", "max_files must be: whole number greater than 0"),
        ("cpu_seconds = 2", "cpu_seconds = 0", "limits.cpu_seconds must be: number greater than 0"),
        ("cpu_seconds = 2", "cpu_seconds = -1", "limits.cpu_seconds must be: number greater than 0"),
        ("cpu_seconds = 2", "cpu_seconds = inf", "limits.cpu_seconds must be: number greater than 0"),
        ("cpu_seconds = 2", "cpu_seconds = nan", "limits.cpu_seconds must be: number greater than 0"),
        ("cpu_seconds = 2\n", "", "the key limits.cpu_seconds is missing"),
        ("memory_mb = 128", "memory_mb = 0", "limits.memory_mb must be: whole number greater than 0"),
        ("memory_mb = 128", "network = true\nmemory_mb = 128", "unknown key limits.network"),
        ("[limits]\ncpu_seconds = 2\nmemory_mb = 128\n", "", "the section [limits] is missing"),
        ("[baseline]\nlow = 0\nhigh = 60\n", "", "the section [baseline] is missing"),
        ("high = 60", "high = 70", "baseline.low, baseline.high and the pass mark 70 must ascend"),
        ("low = 0", "low = 61", "baseline.low, baseline.high and the pass mark 70 must ascend"),
        ("high = 60", "high = 101", "baseline.high must be: number from 0 to 100"),
        ("weight = 1\n", "weight = -1\n", "group.weight must be: number from 0"),
        ("weight = 1\n", "weight = 1\npoints = 3\n", "unknown key group.points"),
        ('hint = "Closer."\n', "", "the key group.hint is missing"),
        ('name = "close"', 'name = "all"', "group.name must differ"),
        ('name = "close"', 'name = "Close!"', "group.name must be: lower-case words"),
        ("lo = 1.0\n", "", "group close: lo, hi and threshold go together"),
        ("threshold = 0.6\n", "", "group close: lo, hi and threshold go together"),
        ("hi = 0.5", "hi = 1.0", "group close: lo and hi must differ"),
        ("gate = true", 'gate = "yes"', "group.gate must be: true or false"),
        ('numbers = "drawn by the grader"', "", "[sources] must name each source"),
        ("[sources]", "[origins]", "[sources] must name each source"),
        ('title = "Double it"', 'title = "Double it', "not TOML"),
        ("[[group]]", "[group]", "not TOML"),
        ("level = 1", "level = 1\ntags = ['Two Words']", "tags must be: list of lower-case words"),
        ("level = 1", "level = 1\nmodules = ['os; import sys']", "modules must be: list of module names"),
        ("level = 1", "level = 1\nfeedback = 'F4'", "feedback must be: F0, F1, F2 or F3"),
        ("[baseline]", "[grader]\ncpu_seconds = 3\n[baseline]", "unknown key grader.cpu_seconds"),
    ],
)
def test_a_bad_toml_is_refused_with_its_key(folder: Path, old: str, new: str, message: str) -> None:
    assert TOML.count(old) >= 1
    (folder / "challenge.toml").write_text(TOML.replace(old, new, 1))
    with pytest.raises(ChallengeError, match=re.escape(message)) as error:
        load(folder)
    assert str(folder) in str(error.value)


def test_the_number_of_files_is_read(folder: Path) -> None:
    before = load(folder).version
    (folder / "challenge.toml").write_text(TOML.replace("level = 1", "level = 1\nmax_files = 12"))
    assert load(folder).max_files == 12
    assert load(folder).version != before


def test_weights_of_nothing_are_refused(folder: Path) -> None:
    (folder / "challenge.toml").write_text(TOML.replace("weight = 1", "weight = 0").replace("weight = 3", "weight = 0"))
    with pytest.raises(ChallengeError, match=re.escape("group.weight must be greater than 0")):
        load(folder)


@pytest.mark.parametrize("name", ["challenge.toml", "statement.md", "grader.py", "starter/solution.py"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ChallengeError, match=re.escape(f"{name} is missing")):
        load(folder)


@pytest.mark.parametrize("kind", ["accepted", "wrong_answer", "baseline"])
def test_a_compulsory_kind_of_solution_is_missed(folder: Path, kind: str) -> None:
    (folder / "solutions" / kind / "solution.py").unlink()
    with pytest.raises(ChallengeError, match=f"solutions/{kind}: at least one solution is missing"):
        load(folder)


def test_links_are_refused(folder: Path) -> None:
    (folder / "table.csv").symlink_to("/etc/hostname")
    with pytest.raises(ChallengeError, match="holds no links"):
        load(folder)


def test_text_that_is_none_is_refused(folder: Path) -> None:
    (folder / "statement.md").write_bytes(b"\xff")
    with pytest.raises(ChallengeError, match=re.escape("statement.md is not UTF-8")):
        load(folder)


def test_the_name_of_the_folder_is_the_slug(folder: Path) -> None:
    moved = folder.rename(folder.with_name("Double_It"))
    with pytest.raises(ChallengeError, match="the folder's name is the slug"):
        load(moved)


def test_roots_are_read_together_and_slugs_are_unique(folder: Path) -> None:
    root = folder.parent.parent
    both = load_all([builtin_root(), root])
    assert set(both) == {*SHIPPED, "double-it"}
    with pytest.raises(ChallengeError, match="has the same slug"):
        load_all([root, root])
    with pytest.raises(ChallengeError, match="no such folder"):
        load_all([root / "nowhere"])


def test_a_folder_of_a_skill_must_be_a_challenge(folder: Path) -> None:
    (folder.parent / "unfinished").mkdir()
    with pytest.raises(ChallengeError, match=re.escape("unfinished/challenge.toml is missing")):
        load_all([folder.parent.parent])


def test_a_challenge_under_no_skill_is_refused(folder: Path) -> None:
    folder.parent.rename(folder.parent.with_name("cooking"))
    with pytest.raises(ChallengeError, match="skill must be the name of the folder above"):
        load_all([folder.parent.parent])


def test_every_key_has_a_row_in_the_documentation_and_no_other() -> None:
    page = (builtin_root().parent / "docs" / "challenge-toml.md").read_text()
    cells = [[cell.strip() for cell in line.split("|")[1:6]] for line in page.splitlines() if line.count("|") == 6]
    rows = {name: (kind, default, version) for name, kind, default, version, meaning in cells if meaning}
    documented = {name.strip("`"): row for name, row in rows.items() if name.startswith("`")}
    expected = {key.dotted: (key.kind.words, _default(key.default), "yes" if key.graded else "") for key in KEYS}
    free = documented.pop("sources.*")
    assert free[1] == "required"
    assert documented == expected
    assert all(f"`{skill}`" in page for skill in SKILLS)


def _default(value: object) -> str:
    if value is REQUIRED or value is None:
        return "required" if value is REQUIRED else "absent"
    if isinstance(value, str):
        return f'`"{value}"`'
    return "`[]`" if value == () else f"`{str(value).lower()}`"
