"""Slices where a model fails: which are found is a metric over many tables, what is said of them is exact."""

import itertools
from typing import NamedTuple

import numpy as np

from challenges.kit import Attempt, Data, InvalidOutput, Score, Text, parse_json

ROWS, COLUMNS, TABLES = 5_000, 6, 20
PLANTED, FLOOR = 3, 60
USUAL = 0.08
EXCESS, CLEAR_EXCESS = 0.03, 0.2
"""What is added to the usual rate in hidden slices, and in those of the public table."""
NAMES = ("device", "region", "plan", "channel", "browser", "language", "age_band", "hour", "source", "segment")
VALUES = ("north", "red", "a", "b2", "late", "0", "Zed", "old", "x-1", "10")


class Slice(NamedTuple):
    """Two conditions, columns in alphabetical order, and what is said of their rows."""

    where: tuple[tuple[str, str], tuple[str, str]]
    rows: int
    rate: float
    sentence: str


class Table(NamedTuple):
    """Columns of words, whether the model was wrong on each row, and the conditions of the planted slices."""

    columns: dict[str, list[str]]
    error: np.ndarray
    planted: set[tuple[tuple[str, str], tuple[str, str]]]


def generate(data: Data) -> None:
    """One public table and the slices planted in it. Hidden tables are drawn in `grade`."""
    columns, error, planted = _drawn(data.rng("sample"), CLEAR_EXCESS)
    lines = [
        ",".join([*row, str(wrong)]) for row, wrong in zip(zip(*columns.values(), strict=True), error, strict=True)
    ]
    (data.public / "sample.csv").write_text("\n".join([",".join([*columns, "error"]), *lines]) + "\n")
    said = [" and ".join(f"{name} = {value}" for name, value in where) for where in sorted(planted)]
    (data.public / "sample.planted.txt").write_text("\n".join(said) + "\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public table."""
    return _judged(attempt, data, [_drawn(data.rng("sample"), CLEAR_EXCESS)])


def grade(attempt: Attempt, data: Data) -> Score:
    """All hidden tables, one call each."""
    rng = data.rng("hidden tables")
    return _judged(attempt, data, [_drawn(rng) for _ in range(TABLES)])


def _judged(attempt: Attempt, data: Data, tables: list[Table]) -> Score:
    answers = attempt.call("slices", [[table.columns, table.error] for table in tables], returns=Text(max_kb=16))
    told = [_read(text, table) for text, table in zip(answers, tables, strict=True)]
    found = [
        len({one.where for one in slices} & table.planted) / PLANTED for slices, table in zip(told, tables, strict=True)
    ]
    facts = [(one, *_facts(table, one)) for slices, table in zip(told, tables, strict=True) for one in slices]
    return Score.of(
        data.groups,
        {
            "slices": float(np.mean(found)),
            "numbers": all(one.rows == count and abs(one.rate - rate) <= 1e-9 for one, count, rate in facts),
            "sentence": all(one.sentence == _sentence(one.where, count, rate) for one, count, rate in facts),
        },
        metric=float(np.mean(found)),
        standard_error=float(np.std(found) / np.sqrt(len(found))),
    )


def _drawn(rng: np.random.Generator, excess: float = EXCESS) -> Table:
    """Skewed columns; three slices that fail more often than most, and some tiny ones where nearly all fails."""
    names = [str(name) for name in rng.choice(NAMES, COLUMNS, replace=False)]
    columns: dict[str, np.ndarray] = {}
    for name in names:
        values = rng.choice(VALUES, rng.integers(4, 7), replace=False)
        columns[name] = rng.choice(values, ROWS, p=rng.dirichlet(np.full(len(values), 1.5)))
    pairs = [
        ((a, str(x)), (b, str(y)))
        for a, b in itertools.combinations(sorted(names), 2)
        for x in np.unique(columns[a])
        for y in np.unique(columns[b])
    ]
    rate = np.full(ROWS, USUAL)
    planted: set[tuple[tuple[str, str], tuple[str, str]]] = set()
    tiny = 0
    for at in rng.permutation(len(pairs)):
        (a, x), (b, y) = where = pairs[at]
        here = (columns[a] == x) & (columns[b] == y)
        size = int(here.sum())
        apart = all(not set(where) & set(other) for other in planted)
        if len(planted) < PLANTED and 80 <= size <= 320 and apart:
            planted.add(where)
            rate[here] = np.maximum(rate[here], USUAL + excess + 2.6 / np.sqrt(size))
        elif tiny < 6 and 8 <= size <= 35:
            tiny += 1
            rate[here] = np.maximum(rate[here], 0.6)
    error = (rng.random(ROWS) < rate).astype(np.int64)
    return Table({name: column.tolist() for name, column in columns.items()}, error, planted)


def _read(text: str, table: Table) -> list[Slice]:
    """The three slices of an answer. Raises InvalidOutput for anything that is not three different slices."""
    told = parse_json(text.encode(), "the answer")
    if not isinstance(told, list) or len(told) != PLANTED:
        raise InvalidOutput(f"the answer must be a list of {PLANTED} slices")
    slices = [_slice(one, table) for one in told]
    if len({one.where for one in slices}) != PLANTED:
        raise InvalidOutput("the answer holds a slice twice")
    return slices


def _slice(told: object, table: Table) -> Slice:
    if not isinstance(told, dict) or told.keys() != {"where", "count", "rate", "sentence"}:
        raise InvalidOutput("a slice must be an object with where, count, rate and sentence")
    where, count, rate, sentence = told["where"], told["count"], told["rate"], told["sentence"]
    if not isinstance(where, dict) or len(where) != 2 or not where.keys() <= table.columns.keys():
        raise InvalidOutput("where must be an object with two different columns of the table")
    if not all(isinstance(value, str) and value in table.columns[name] for name, value in where.items()):
        raise InvalidOutput("where must name values of these columns")
    if type(count) is not int or type(rate) not in (int, float) or not isinstance(sentence, str):
        raise InvalidOutput("count must be a whole number, rate a number and sentence a text")
    first, second = sorted(where.items())
    return Slice((first, second), count, rate, sentence)


def _facts(table: Table, one: Slice) -> tuple[int, float]:
    (a, x), (b, y) = one.where
    here = (np.array(table.columns[a]) == x) & (np.array(table.columns[b]) == y)
    return int(here.sum()), float(table.error[here].mean()) if here.any() else 0.0


def _sentence(where: tuple[tuple[str, str], tuple[str, str]], count: int, rate: float) -> str:
    (a, x), (b, y) = where
    return f"Of the {count} rows with {a} = {x} and {b} = {y}, {100 * rate:.1f} % are wrong."
