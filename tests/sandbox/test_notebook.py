"""The program of a notebook: its code cells in order, and nothing that only Jupyter understands."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.inside.notebook import program


def notebook(*cells: object, kind: str = "code") -> bytes:
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": kind, "source": cell} for cell in cells]}).encode()


def test_code_cells_follow_each_other_and_prose_is_left_out() -> None:
    given = json.loads(notebook("x = 1", ["def f():\n", "    return x"]))
    given["cells"].insert(1, {"cell_type": "markdown", "source": "# not Python: at all"})
    assert program(json.dumps(given).encode()) == "x = 1\ndef f():\n    return x\n"
    assert program(notebook()) == ""


def test_a_line_magic_does_nothing() -> None:
    assert program(notebook("%matplotlib inline\nif True:\n    %time x = 1\ny = 7 % 2")) == (
        "pass\nif True:\n    pass\ny = 7 % 2\n"
    )
    text = 'print("""\n%d\n!\n""")'
    assert program(notebook(text)) == f"{text}\n", "what is Python is left alone"


@pytest.mark.parametrize("cell", ["!pip install x", "%%bash\nls", "x = 1\n  !ls"])
def test_a_command_is_told_and_not_left_out(cell: str) -> None:
    with pytest.raises(SyntaxError, match="code cell 2 is not Python: "):
        program(notebook("x = 1", cell))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x = 1",
        b"\xff",
        b"[]",
        b"{}",
        b"7",
        b'{"cells": 3}',
        b'{"cells": [3]}',
        b'{"worksheets": []}',
        notebook(3),
    ],
)
def test_what_is_no_notebook(data: bytes) -> None:
    with pytest.raises(SyntaxError, match="no notebook"):
        program(data)


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"]), max_size=30), max_size=4))
def test_python_comes_through_unchanged(texts: list[str]) -> None:
    cells = [f"x = {text!r}\n# {text!a}" for text in texts]
    found = program(notebook(*cells))
    assert found == "".join(f"{cell}\n" for cell in cells)
    ast.parse(found)
