"""The quality gate by the command: from an empty folder to green, and red for each thing that can be wrong."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from challenges import mutants, new
from challenges.loader import load
from sandbox.containers import DockerSandbox
from sandbox.images.build import resolve
from worker import check as check_module
from worker.check import Item, check, solutions_digest, stale

ROOT = Path(__file__).parents[2]


def assay(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.main", "challenge", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def warm() -> Iterator[DockerSandbox]:
    """A sandbox with boxes made ahead, as the command has one."""
    found = DockerSandbox(instance=f"test-gate-{os.getpid()}", image_of=cache(resolve), warm_mb=1500)
    yield found
    found.close()
    assert found.leftovers() == []


@pytest.fixture
def checked(warm: DockerSandbox) -> Callable[..., dict[str, Item]]:
    """The items of one check, by id."""

    def go(folder: Path, level: str = "quick") -> dict[str, Item]:
        gate = check(load(folder), warm, level=level, seeds=2)
        assert gate.green == all(item.ok is not False for item in gate.items)
        return {item.id: item for item in gate.items}

    return go


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "mathematics" / "trimmed-mean"
    new.create(found)
    return found


@pytest.mark.timeout(900)
def test_the_page_leads_from_an_empty_folder_to_a_green_gate(tmp_path: Path) -> None:
    """Every command of docs/write-a-challenge.md, in its order."""
    page = (ROOT / "docs" / "write-a-challenge.md").read_text()
    commands = re.findall(r"^assay challenge (.*)$", page, re.MULTILINE)
    assert [one.split()[0] for one in commands] == ["new", "check", "try", "check"]
    folder = tmp_path / "mathematics" / "trimmed-mean"
    for command in commands:
        done = assay(*shlex.split(command.replace("my-challenges", str(tmp_path))))
        assert done.returncode == 0, command + done.stdout + done.stderr
        assert (stale(load(folder)) == "") is ("--full" in command)
    assert stale(load(folder)) == ""
    document = json.loads((folder / "gate.json").read_text())
    assert document["green"] is True
    assert {f"G{n}" for n in (*range(1, 15),)} <= {item["id"] for item in document["checks"]}

    solution = folder / "solutions" / "wrong_answer" / "adds_up.py"
    text = solution.read_text()
    solution.write_text(text + "\n")
    assert stale(load(folder)) == "its solutions have changed since"
    solution.write_text(text)
    (folder / "statement.md").write_text((folder / "statement.md").read_text() + "\nMore.\n")
    assert stale(load(folder)) == "", "what cannot change a score needs no new proof"
    (folder / "grader.py").write_text((folder / "grader.py").read_text() + "\n# changed\n")
    assert stale(load(folder)) == "the challenge has changed since"


def swap(name: str, old: str, fresh: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, fresh))

    return change


def remove(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


REFERENCE = "solutions/accepted/reference.py"
BROKEN: list[tuple[str, Callable[[Path], object], str]] = [
    (
        "G1",
        swap(REFERENCE, "-1.0", "-2.0"),
        "accepted/reference on seed 0: wrong_answer with 60 points, failed nothing",
    ),
    ("G2", swap("solutions/baseline/zero.py", "return 0.5", "return -1.0"), "baseline/zero on seed 0"),
    ("G3", remove("solutions/wrong_answer/adds_up.py"), "3 wrong solutions where 4 are needed"),
    ("G3", remove("solutions/cheats/U4.py"), "the universal cheats U4 are missing"),
    (
        "G3",
        swap("solutions/wrong_answer/adds_up.py", "only=precision", "only=missing"),
        "wrong_answer/adds_up on seed 0",
    ),
    ("G3s", swap("grader.py", "agree([2.5])", "agree([2.4])"), "fewer than 2 wrong solutions pass the public samples"),
    ("G4", remove("solutions/alternatives/fractions_.py"), "there is no right solution by another method"),
    ("G9", swap(REFERENCE, "import math", "import math\nx = bytearray(200 * 2**20)"), "of its memory"),
    ("G11", swap("statement.md", "`solution.py`", "`answer.py`"), "the statement does not name solution.py"),
    ("G11", swap("statement.md", "    2.5", "    2.6"), "its examples are not what the reference answers"),
    ("G12", lambda folder: (folder / "table.csv").write_text("a\n"), "table.csv has no entry in [sources]"),
    (
        "G13",
        swap("grader.py", "return abs(answer - wanted) <= 1e-9", "return 1 / (answer == wanted) > 0"),
        "makes the grader fail",
    ),
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("id", "change", "said"), BROKEN, ids=[f"{id}-{n}" for n, (id, _, _) in enumerate(BROKEN)])
def test_what_is_wrong_is_found_and_named(
    folder: Path,
    checked: Callable[..., dict[str, Item]],
    id: str,
    change: Callable[[Path], object],
    said: str,
) -> None:
    change(folder)
    item = checked(folder)[id]
    assert item.ok is False
    assert any(said in detail for detail in item.details), item


@pytest.mark.timeout(600)
def test_faults_that_survive_and_data_of_the_moment_are_shown(
    folder: Path, checked: Callable[..., dict[str, Item]]
) -> None:
    """Without the cases around a half tenth a fault in the rounding of the cut is not found."""
    swap("grader.py", "(4, 5, 6, 14, 15, 16, 100)", "(8, 8)")(folder)
    swap("grader.py", "[1.0, None, 2.0, 4.5] -> 2.5\\n", "{id(object())} {data.public.stat()}\\n")(folder)
    swap("grader.py", '.write_text("{id', '.write_text(f"{id')(folder)
    items = checked(folder, "full")
    assert items["G8"].details == ("generate makes other data of the same seed",)
    found = items["G5"]
    survivors = [detail for detail in found.details if "survived" in detail]
    assert found.ok is False
    assert any("cut =" in one for one in survivors)


def test_a_waiver_names_a_fault_that_was_made_and_a_reason(folder: Path) -> None:
    made = mutants.mutants((folder / REFERENCE).read_text())
    for fault, reason, said in (
        (made[0].key, "why not", "without a reason"),
        ("constant-0000000000", "only the size of a block", "which is no fault that was made"),
        (made[0].key, "only the size of a block", ""),
    ):
        (folder / "mutants.toml").write_text(f'[[equivalent]]\nfault = "{fault}"\nreason = "{reason}"\n')
        waived, problems = check_module._waivers(folder, made)
        assert (said in problems[0]) if said else (problems == [] and waived == {fault: reason})
    many = "".join(f'[[equivalent]]\nfault = "{one.key}"\nreason = "all of them, to be sure"\n' for one in made)
    (folder / "mutants.toml").write_text(many)
    assert "more than a tenth" in check_module._waivers(folder, made)[1][0]


def test_a_digest_of_solutions_is_of_their_names_and_contents(folder: Path) -> None:
    before = solutions_digest(folder)
    (folder / REFERENCE).rename(folder / "solutions/accepted/other.py")
    assert solutions_digest(folder) != before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["new", "Upper", "--skill", "mathematics"], "the slug"),
        (["new", "fine", "--skill", "cooking"], "one of the eight skills"),
        (["check", "no-such-challenge"], "There is no challenge"),
    ],
)
def test_wrong_use_is_one_sentence_and_leaves_nothing(tmp_path: Path, words: list[str], said: str) -> None:
    done = assay(*words, *(["--root", str(tmp_path)] if words[0] == "new" else []))
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
