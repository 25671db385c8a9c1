"""The table of attacks in SECURITY.md: every attack is in it, and every test and program it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.hostile.arena import HERE, programs

ROOT = HERE.parents[1]
IDS = {
    f"{letter}{n}"
    for letter, last in {"A": 8, "B": 6, "C": 4, "D": 6, "E": 11, "F": 6, "G": 4}.items()
    for n in range(1, last + 1)
} | {"H1", "H2", "H4", "H5", "I1", "I2", "I3", "I4", "I5", "I6"}
ROW = re.compile(r"\| ([A-I][0-9]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|")
PLACE = re.compile(r"`([\w/*.-]+?)(?:::(\w+))?`")


def rows() -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """What each attack must come to, and the (file, function) pairs that prove it."""
    text = (ROOT / "SECURITY.md").read_text()
    section = text.split("## Attacks and their tests", 1)[1].split("\n## ", 1)[0]
    found = {}
    for line in section.splitlines():
        if row := ROW.fullmatch(line.strip()):
            assert row[1] not in found, f"{row[1]} stands twice"
            found[row[1]] = (row[3], PLACE.findall(row[4]))
    return found


ROWS = rows()


@cache
def functions(path: Path) -> set[str]:
    return {one.name for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.FunctionDef)}


def test_every_attack_has_its_row() -> None:
    assert set(ROWS) == IDS
    assert len(IDS) == 55


@pytest.mark.parametrize("id", sorted(IDS))
def test_what_proves_it_is_there(id: str) -> None:
    _, places = ROWS[id]
    assert places, f"{id} names no test"
    for name, function in places:
        matching = sorted((ROOT / "tests").glob(name)) if "/" in name else sorted(HERE.glob(name))
        assert matching, f"{id}: there is no {name}"
        if function:
            assert function in functions(matching[0]), f"{id}: {name} has no {function}"


def test_every_program_belongs_to_the_attack_it_names() -> None:
    found = programs()
    assert len(found) > 100
    for name, program in found.items():
        assert program.id in IDS, name
        named = [place for place, function in ROWS[program.id][1] if not function and "*" in place]
        assert any((HERE / f"{name}.py").match(one) or (HERE / name).match(one) for one in named), (
            f"the row of {program.id} does not name {name}"
        )


def test_every_test_that_names_an_attack_is_in_its_row() -> None:
    for path in HERE.glob("test_*.py"):
        for function in functions(path):
            for id in (
                re.findall(r"(?:test_|_)([a-g][0-9]+)(?=_)", function.split("__")[0]) if function[:5] == "test_" else []
            ):
                if id.upper() in IDS:
                    assert (path.name, function) in ROWS[id.upper()][1], f"{function} is not in the row of {id.upper()}"
