"""A preprocessor in two halves: what it learns travels as text through the grader, and rows come in any company."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from challenges.kit import Array, Attempt, Data, Score, Session, Text, close

SAME = close(rtol=1e-9, atol=1e-9)
STATE_CHARS = 4_000
"""For the widest table: about three times what the reference needs, and a tenth of the rows it learns from."""
WORDS = ("red", "Red", "blue", "", "naïve", "b,c", '"q"', "0")


class Table(NamedTuple):
    """Rows of numbers, n x d, and a word for each."""

    numbers: np.ndarray
    words: list[str]


def generate(data: Data) -> None:
    """A public table to fit, some rows to apply it to, and what comes out."""
    train, rows = _sample(data)
    for name, table in (("train.csv", train), ("rows.csv", rows)):
        lines = [
            ",".join([*("" if np.isnan(x) else f"{x:g}" for x in row), word]) for row, word in zip(*table, strict=True)
        ]
        (data.public / name).write_text("\n".join(["a,b,word", *lines]) + "\n")
    out = _transformed(train, rows)
    np.savetxt(data.public / "rows.transformed.csv", out, fmt="%.6f", delimiter=",")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public tables: every group stands or falls with them."""
    train, rows = _sample(data)
    right = _right(attempt, {"sample": [(train, rows)]})["sample"]
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """Groups of values first; then the same rows in other company and after other work."""
    rng = data.rng("hidden tables")
    train, rows = _plain(rng, 40), _plain(rng, 12)
    alone = [(train, _cut(rows, [at])) for at in range(len(rows.words))]
    found: dict[str, bool | float] = {**_right(attempt, {**_cases(rng), "batch-of-one": alone})}
    found["test-independence"] = _is_independent(attempt, train, [rows, _plain(rng, 30)])
    wide = Table(rng.normal(0, 1, (300, 20)), [str(word) for word in rng.choice(WORDS, 300)])
    found["json-state"] = len(_fitted(attempt.open(), wide)) <= STATE_CHARS
    return Score.of(data.groups, found)


def _sample(data: Data) -> tuple[Table, Table]:
    rng = data.rng("sample")
    words = ["red", "blue", "red", "green", "blue", "red", "green", "red"]
    numbers = np.round(rng.normal([10, 200], [3, 50], (8, 2)), 2)
    numbers[3, 0] = np.nan
    return Table(numbers, words), Table(np.round(rng.normal([10, 200], [3, 50], (3, 2)), 2), ["blue", "red", "green"])


def _cases(rng: np.random.Generator) -> dict[str, list[tuple[Table, Table]]]:
    def pair(numbers: np.ndarray, rows: np.ndarray) -> tuple[Table, Table]:
        words = [str(word) for word in rng.choice(WORDS[:3], len(numbers))]
        return Table(numbers, words), Table(rows, [str(word) for word in rng.choice(words, len(rows))])

    def infinite(numbers: np.ndarray) -> np.ndarray:
        spoilt = numbers.copy()
        spoilt[rng.random(numbers.shape) < 0.2] = np.inf
        spoilt[rng.random(numbers.shape) < 0.2] = -np.inf
        return spoilt

    one, other = rng.normal(5, 2, (30, 3)), rng.normal(5, 2, (10, 3))
    never = np.array([np.nan, 0, 0])
    level = np.array([1.0, 0, 1])
    tiny = np.array([1.0, 1e-9, 1e-100])
    mixed = _plain(rng, 25)
    few = Table(mixed.numbers, ["x", *["y"] * 24])
    return {
        "values": [(_plain(rng, n), _plain(rng, 15)) for n in (30, 50, 9)],
        "missing-inf": [
            pair(infinite(one), infinite(other)),
            pair(one + never, other),
            pair(infinite(one + never), infinite(other)),
        ],
        "constant-tiny": [
            pair(one * level + (1 - level) * 0.1, other),
            pair(one * tiny, other * tiny),
            pair(one[:1], other),
            pair(np.full((4, 3), np.nan), other),
        ],
        "unseen": [(few, Table(mixed.numbers[:8], ["z", "x", "y", "", "X", "y ", "x", "w"]))],
    }


def _plain(rng: np.random.Generator, count: int) -> Table:
    """Numbers of different size with outliers on both sides and gaps, and words that any nine rows have all."""
    numbers = rng.normal([0, 100, -3, 1e4], [1, 20, 0.1, 3e3], (count, 4)) + rng.exponential(1, (count, 1))
    wild = rng.random(numbers.shape)
    numbers = np.where(wild < 0.08, numbers * 50, numbers)
    numbers = np.where(wild > 0.88, np.nan, numbers)
    numbers[:2] = np.nan_to_num(numbers[:2], nan=1.0)
    words = [WORDS[at % len(WORDS)] for at in rng.permutation(count)]
    return Table(numbers, words)


def _cut(table: Table, rows: Sequence[int]) -> Table:
    return Table(table.numbers[list(rows)], [table.words[at] for at in rows])


def _right(attempt: Attempt, groups: dict[str, list[tuple[Table, Table]]]) -> dict[str, bool]:
    """All are fitted in one process and applied in another, so that what is not in the state is not there."""
    learning = attempt.open()
    states = {name: [_fitted(learning, train) for train, _ in cases] for name, cases in groups.items()}
    applying = attempt.open()

    def is_right(state: str, train: Table, rows: Table) -> bool:
        wanted = _transformed(train, rows)
        return SAME(_applied(applying, state, rows, wanted.shape[1]), wanted)

    return {
        name: all(is_right(state, *case) for state, case in zip(states[name], cases, strict=True))
        for name, cases in groups.items()
    }


def _is_independent(attempt: Attempt, train: Table, others: Sequence[Table]) -> bool:
    """Whether other rows, seen before or between, change anything."""
    before = attempt.open()
    first = _fitted(before, others[1])
    width = _transformed(others[1], others[0]).shape[1]
    _applied(before, first, others[0], width)
    state = _fitted(before, train)
    _applied(before, first, others[1], width)
    wanted = _transformed(train, others[0])
    return state == _fitted(attempt.open(), train) and SAME(_applied(before, state, others[0], wanted.shape[1]), wanted)


def _fitted(session: Session, train: Table) -> str:
    state: str = session.call("fit", train.numbers, train.words, returns=Text(max_kb=256))
    return state


def _applied(session: Session, state: str, rows: Table, width: int) -> np.ndarray:
    out: np.ndarray = session.call("transform", state, *rows, returns=Array("float64", (len(rows.words), width)))
    return out


def _transformed(train: Table, rows: Table) -> np.ndarray:
    """As the statement says, a column and a word at a time."""
    columns = [_column(old, new) for old, new in zip(train.numbers.T, rows.numbers.T, strict=True)]
    words = sorted(set(train.words))
    columns += [np.array([float(word == one) for one in rows.words]) for word in words]
    return np.column_stack(columns)


def _column(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    there = old[np.isfinite(old)]
    if not len(there):
        return np.zeros(len(new))
    low, middle, high = np.quantile(there, [0.25, 0.5, 0.75])
    reach = 3 * (high - low)

    def filled(values: np.ndarray) -> np.ndarray:
        clipped: np.ndarray = np.clip(np.where(np.isfinite(values), values, middle), low - reach, high + reach)
        return clipped

    learnt = filled(old)
    spread = learnt.std()
    if learnt.max() == learnt.min():
        return np.zeros(len(new))
    scaled: np.ndarray = (filled(new) - learnt.mean()) / spread
    return scaled
