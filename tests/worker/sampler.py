"""A challenge for tests whose grader asks for every kind of answer; the challenges that ship ask for some of them."""

from __future__ import annotations

from pathlib import Path

from challenges.loader import Challenge, load

NAME = "sampler"
TOML = """\
title = "Every kind"
skill = "programming"
level = 1
runtime = "python-ml"
modules = ["numpy"]
submit = "solution.py"

[limits]
cpu_seconds = 5
memory_mb = 256

[baseline]
low = 0
high = 60

[[group]]
name = "calls"
weight = 40
gate = true
hint = "Functions."

[[group]]
name = "files"
weight = 40
gate = true
hint = "Files."

[[group]]
name = "error"
weight = 20
gate = true
hint = "Sums."
lo = 1.0
hi = 0.0
threshold = 0.1

[sources]
numbers = "drawn by the grader"
"""
GRADER = '''"""Asks for a number, arrays of two dtypes, a text, and files of every format the kit reads."""

import json

import numpy as np

from challenges.kit import Array, Attempt, Data, Number, Score, Text

FILES = ["sums.npy", "said.json", "table.csv", "note.txt", "raw.bin"]


def generate(data: Data) -> None:
    (data.public / "nothing.txt").write_text("nothing")
    np.save(data.hidden / "numbers.npy", data.rng("numbers").normal(size=(4, 3)))


def grade(attempt: Attempt, data: Data) -> Score:
    numbers = np.load(data.hidden / "numbers.npy")
    cases = [[row] for row in numbers]
    means = attempt.call("mean", cases, returns=Number())
    doubled = attempt.call("doubled", cases, returns=Array("float64", (3,)))
    ranks = attempt.call("ranks", [[numbers]], returns=Array("int64", (4, 3)))
    texts = attempt.call("spelt", cases, returns=Text(max_kb=64))
    calls = (
        means.agree([float(row.mean()) for row in numbers], np.isclose)
        and doubled.agree(list(2 * numbers), np.array_equal)
        and ranks.agree([numbers.argsort(axis=1)], np.array_equal)
        and texts.agree([spelt(row) for row in numbers])
    )
    with np.errstate(all="ignore"):
        errors = (np.array(list(doubled)) - 2 * numbers) ** 2
        error, spread = float(errors.mean()), float(errors.std())
    inputs = {"data/numbers.npy": (data.hidden / "numbers.npy").read_bytes()}
    output = attempt.run(["python3", "solution.py"], inputs=inputs, outputs=FILES)
    sums, said = output.array("sums.npy"), output.json("said.json")
    signs = [bool(one > 0) for one in numbers[:, 0]]
    wanted = {"rows": 4, "one": 1, "of": "numbers", "signs": signs, "sum": float(numbers.sum())}
    rows = output.rows("table.csv", ["row", "sign"])
    files = (
        sums.dtype == np.float64
        and sums.shape == (4, 3)
        and bool(np.allclose(sums, numbers.cumsum(axis=1)))
        and json.dumps(said, sort_keys=True) == json.dumps(wanted, sort_keys=True)  # so that 1 is not True
        and rows == [{"row": str(at), "sign": sign(row)} for at, row in enumerate(numbers)]
        and output.text("note.txt") == "".join(spelt(row) + "\\n" for row in numbers)
        and output.bytes("raw.bin") == numbers.tobytes()
    )
    found = {"calls": calls, "files": files, "error": error}
    return Score.of(data.groups, found, metric=error, standard_error=spread)


def spelt(row: np.ndarray) -> str:
    return f"\\u00e4\\u00df {row.round(3).tolist()}"


def sign(row: np.ndarray) -> str:
    return "plus" if row[0] > 0 else "minus"
'''
SOLUTION = """import json
import numpy as np
def mean(row): return float(row.mean())
def doubled(row): return 2 * row
def ranks(numbers): return numbers.argsort(axis=1)
def spelt(row): return f"\\u00e4\\u00df {row.round(3).tolist()}"
if __name__ == "__main__":
    numbers = np.load("data/numbers.npy")
    np.save("sums.npy", numbers.cumsum(axis=1))
    said = {"rows": 4, "one": 1, "of": "numbers", "signs": [bool(one > 0) for one in numbers[:, 0]], "sum": float(numbers.sum())}
    open("said.json", "w").write(json.dumps(said))
    signs = ["plus" if row[0] > 0 else "minus" for row in numbers]
    open("table.csv", "w").write("row,sign\\n" + "".join(f"{at},{one}\\n" for at, one in enumerate(signs)))
    open("note.txt", "w", encoding="utf-8").write("".join(spelt(row) + "\\n" for row in numbers))
    open("raw.bin", "wb").write(numbers.tobytes())
"""


def sampler(root: Path) -> Challenge:
    """The challenge, in a new folder under `root`."""
    folder = root / "programming" / NAME
    for name in ("starter", "solutions/accepted", "solutions/wrong_answer", "solutions/baseline"):
        (folder / name).mkdir(parents=True)
        (folder / name / "solution.py").write_text(SOLUTION)
    (folder / "challenge.toml").write_text(TOML)
    (folder / "statement.md").write_text("# Every kind\n")
    (folder / "grader.py").write_text(GRADER)
    return load(folder)
