"""Folds by their properties, of which many splits have all; folds in time by the definition."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from challenges.kit import Array, Attempt, Data, Score

SHARE_APART = 0.05
SIZE_APART = 1.35
SEEDS = (1, 2, 3)


class Table(NamedTuple):
    """Rows with a class and a group each, to be split into `k` folds."""

    y: np.ndarray
    groups: np.ndarray
    k: int


Times = tuple[np.ndarray, int, float]


def generate(data: Data) -> None:
    """One public table. Hidden ones are drawn in `grade`."""
    y, groups, _ = _sample(data)
    lines = [f"{row},{label},{group}" for row, (label, group) in enumerate(zip(y, groups, strict=True))]
    (data.public / "sample.csv").write_text("\n".join(["row,y,group", *lines]) + "\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public table, and ten moments: every group stands or falls with them."""
    properties = dict(_properties(attempt, _sample(data)))
    times = (np.arange(10.0), 4, 0.0)
    right = all(properties.values()) and _is_right_in_time(attempt, times)
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """A property holds if it holds on every table."""
    rng = data.rng("hidden tables")
    tables = [_drawn(rng, k, share) for k, share in ((5, 0.3), (3, 0.12), (6, 0.5), (4, 0.2))]
    said = [dict(_properties(attempt, table)) for table in tables]
    found: dict[str, bool | float] = {name: all(one[name] for one in said) for name in said[0]}
    found["time-gap"] = all(_is_right_in_time(attempt, times) for times in _times(rng))
    few = [Table(rng.integers(0, 2, 12), rng.integers(0, many, 12) * 7, many + 1) for many in (1, 4)]
    found["tiny"] = all((_folds(attempt, table, 1) == -1).all() for table in few) and _is_split(attempt)
    found["seed"] = found["seed"] and _is_repeated(attempt, tables[0])
    return Score.of(data.groups, found)


def _sample(data: Data) -> Table:
    return _drawn(data.rng("sample"), 4, 0.3)


def _drawn(rng: np.random.Generator, k: int, share: float) -> Table:
    """About a thousand rows in groups of one to sixteen, each with a mind of its own; in the order of their classes."""
    sizes = 1 + rng.integers(0, 16, 150) * (rng.random(150) < 0.7)
    leaning = rng.beta(4 * share, 4 * (1 - share), len(sizes))
    names = rng.choice(np.arange(-(10**9), 10**9, 1009), len(sizes), replace=False)
    which = np.repeat(np.arange(len(sizes)), sizes)
    y = (rng.random(len(which)) < leaning[which]).astype(np.int64)
    y[(y == 0) & (rng.random(len(y)) < 0.3)] = 2
    order = np.argsort(y, kind="stable")
    return Table(y[order], names[which][order], k)


def _folds(attempt: Attempt, table: Table, seed: int) -> np.ndarray:
    returns = Array("int64", (len(table.y),))
    folds: np.ndarray = attempt.call("folds", [[*table, seed]], returns=returns)[0]
    return folds


def _properties(attempt: Attempt, table: Table) -> Iterator[tuple[str, bool]]:
    """What holds of the folds of the first seed, and of the others beside it. A row in no fold fails `once` alone."""
    y, groups, k = table
    folds = _folds(attempt, table, SEEDS[0])
    inside = (folds >= 0) & (folds < k)
    used = np.unique(folds[inside])
    whole = np.array([np.mean(y == label) for label in np.unique(y)])
    shares = np.array([[np.mean(y[folds == fold] == label) for label in np.unique(y)] for fold in used])
    sizes = np.array([np.sum(folds == fold) for fold in used]) * k / len(y)
    yield "once", bool(inside.all()) and len(used) == k
    yield "groups", bool(len(used)) and all(len(np.unique(folds[groups == group])) == 1 for group in np.unique(groups))
    yield "strata", bool(len(used)) and float(np.abs(shares - whole).max()) <= SHARE_APART
    yield "balance", bool(len(used)) and sizes.max() <= SIZE_APART and sizes.min() >= 1 / SIZE_APART
    others = [_folds(attempt, table, seed) for seed in SEEDS[1:]]
    parts = {_renamed(one) for one in (folds, *others)}
    yield "seed", bool((_folds(attempt, table, SEEDS[0]) == folds).all()) and len(parts) == len(SEEDS)


def _is_split(attempt: Attempt) -> bool:
    """Whether as many groups as folds fill all of them."""
    table = Table(np.arange(12) % 2, np.arange(12) // 3 * 5, 4)
    return len(set(_folds(attempt, table, 1))) == table.k


def _is_repeated(attempt: Attempt, table: Table) -> bool:
    """Whether a fresh process comes to the same folds."""
    again = attempt.open().call("folds", *table, SEEDS[0], returns=Array("int64", (len(table.y),)))
    return bool((again == _folds(attempt, table, SEEDS[0])).all())


def _renamed(folds: np.ndarray) -> bytes:
    """The same for the same parts, whatever their numbers."""
    _, first, which = np.unique(folds, return_index=True, return_inverse=True)
    return first[which].astype(np.int64).tobytes()


def _times(rng: np.random.Generator) -> list[Times]:
    days = rng.integers(0, 30, 80).astype(np.float64)
    return [
        (rng.permutation(40) * 1.0, 3, 4.0),
        (rng.normal(0, 10, 57), 5, 0.0),
        (days, 4, 2.0),
        (days - 15, 6, 0.5),
        (np.array([3.0, 3, 3, 1, 3]), 3, 0.0),
        (np.array([2.0, 1]), 4, 0.0),
        (rng.permutation(20) * 1.0, 1, 100.0),
    ]


def _is_right_in_time(attempt: Attempt, times: Times) -> bool:
    t, k, gap = times
    returns = Array("int64", (k, len(t)))
    found = attempt.call("time_folds", [list(times)], returns=returns)
    return found.agree([_in_time(t, k, gap)], np.array_equal)


def _in_time(t: np.ndarray, k: int, gap: float) -> np.ndarray:
    block = [int((t < one).sum()) * (k + 1) // len(t) for one in t]
    said = np.zeros((k, len(t)), dtype=np.int64)
    for fold in range(k):
        test = np.array(block) == fold + 1
        if test.any():
            said[fold, t < t[test].min() - gap] = 1
            said[fold, test] = 2
    return said
