"""One method on six kinds of data: balanced accuracy on rows whose classes never leave the grader."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from challenges.kit import Array, Attempt, Data, InvalidOutput, Score, metrics

TRAIN, PUBLIC, PRIVATE = 300, 900, 1_800
RANGES = {
    "rings": (0.55, 0.94),
    "chessboard": (0.55, 0.75),
    "wide": (0.55, 0.73),
    "rare": (0.65, 0.80),
    "spirals": (0.65, 0.97),
    "cells": (0.68, 0.79),
}
"""Balanced accuracies that count as nothing and as all of a set."""
WEAK = 0.4
"""Of its range each set must reach at least this share."""


class Set(NamedTuple):
    """Rows with their classes, 0 and 1: those for training first, then the public part, then the private one."""

    x: np.ndarray
    y: np.ndarray


def generate(data: Data) -> None:
    """One public set, of a kind that is simple. Hidden sets are drawn in `grade`."""
    x, y = _sample(data)
    lines = [",".join([*(f"{value:.6g}" for value in row), str(label)]) for row, label in zip(x, y, strict=True)]
    header = ",".join([*(f"x{at}" for at in range(x.shape[1])), "y"])
    (data.public / "sample.csv").write_text("\n".join([header, *lines[:TRAIN]]) + "\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """One set for all: two blobs, on which most methods do well."""
    x, y = _sample(data)
    said = _predicted(attempt, x[:TRAIN], y[:TRAIN], x[TRAIN:])
    share = _share((0.5, 0.9), metrics.balanced_accuracy(y[TRAIN:], said))
    return Score.of(data.groups, {"accuracy": share, "no-weak-spot": share >= WEAK})


def grade(attempt: Attempt, data: Data) -> Score:
    """Every set once, in an order of its own, hidden rows mixed; the shares of the ranges are averaged."""
    rng, order = data.rng("hidden sets"), attempt.rng("order")
    sets = {name: _hidden(rng, draw(rng, TRAIN + PUBLIC + PRIVATE)) for name, draw in _KINDS.items()}
    public, private, errors = {}, {}, {}
    for name in order.permutation(list(sets)):
        x, y = sets[name]
        mixed = order.permutation(PUBLIC + PRIVATE)
        said = np.empty_like(mixed)
        said[mixed] = _predicted(attempt, x[:TRAIN], y[:TRAIN], x[TRAIN:][mixed])
        truth, (low, high) = y[TRAIN:], RANGES[name]
        public[name] = _share((low, high), metrics.balanced_accuracy(truth[:PUBLIC], said[:PUBLIC]))
        private[name] = _share((low, high), metrics.balanced_accuracy(truth[PUBLIC:], said[PUBLIC:]))
        errors[name] = metrics.balanced_accuracy_standard_error(truth[:PUBLIC], said[:PUBLIC]) / (high - low)
    return Score.of(
        data.groups,
        _found(public),
        _found(private),
        metric=float(np.mean(list(public.values()))),
        standard_error=float(np.linalg.norm(list(errors.values())) / len(errors)),
    )


def _found(shares: dict[str, float]) -> dict[str, bool | float]:
    values = [shares[name] for name in sorted(shares)]
    return {"accuracy": float(np.mean(values)), "no-weak-spot": min(values) >= WEAK}


def _share(ends: tuple[float, float], accuracy: float) -> float:
    return min(1.0, max(0.0, (accuracy - ends[0]) / (ends[1] - ends[0])))


def _predicted(attempt: Attempt, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    said: np.ndarray = attempt.call("train_predict", [[x, y, rows]], returns=Array("int64", (len(rows),)))[0]
    if not np.isin(said, (0, 1)).all():
        raise InvalidOutput("train_predict must return 0 and 1 only")
    return said


def _sample(data: Data) -> Set:
    rng = data.rng("sample")
    y = rng.integers(0, 2, 2 * TRAIN)
    return Set(np.round(rng.normal(0, 1, (2 * TRAIN, 3)) + 2 * y[:, None] * np.array([1, -1, 0]), 4), y)


def _hidden(rng: np.random.Generator, drawn: Set) -> Set:
    """Columns in another order."""
    return Set(drawn.x[:, rng.permutation(drawn.x.shape[1])], drawn.y)


def _rings(rng: np.random.Generator, count: int) -> Set:
    y = rng.integers(0, 2, count)
    angle, radius = rng.uniform(0, 2 * np.pi, count), 2 - y + rng.normal(0, 0.28, count)
    return Set(np.column_stack([radius * np.cos(angle), 1000 * radius * np.sin(angle)]), y)


def _chessboard(rng: np.random.Generator, count: int) -> Set:
    x = rng.uniform(-1, 1, (count, 2))
    y = ((x[:, 0] * x[:, 1] > 0) ^ (rng.random(count) < 0.05)).astype(np.int64)
    return Set(np.hstack([x, rng.normal(0, 0.4, (count, 5))]), y)


def _wide(rng: np.random.Generator, count: int) -> Set:
    slopes = rng.normal(0, 1, 60)
    x = rng.normal(0, 1, (count, 60))
    return Set(x, (3.2 * x @ slopes / np.linalg.norm(slopes) + rng.normal(0, 1.6, count) > 0).astype(np.int64))


def _rare(rng: np.random.Generator, count: int) -> Set:
    """Six in a hundred are positive; so many that the training rows always have some."""
    y = rng.permutation(np.arange(count) % 16 == 0).astype(np.int64)
    y[:TRAIN] = rng.permutation(np.arange(TRAIN) % 16 == 0)
    x = rng.normal(0, 1, (count, 4))
    x[:, :3] += 1.4 * y[:, None]
    return Set(x, y)


def _spirals(rng: np.random.Generator, count: int) -> Set:
    y = rng.integers(0, 2, count)
    turn = np.sqrt(rng.random(count)) * 3.4 * np.pi
    x = np.column_stack([turn * np.cos(turn + np.pi * y), turn * np.sin(turn + np.pi * y)])
    return Set(x + rng.normal(0, 0.4, (count, 2)), y)


def _cells(rng: np.random.Generator, count: int) -> Set:
    """Blends of pairs of real rows, along six principal directions; classes by a secret rule, columns of any scale."""
    table = np.log(np.loadtxt(Path(__file__).with_name("cells.csv"), delimiter=",", skiprows=1) + 0.01)
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    parts = np.linalg.svd(table, full_matrices=False)[0][:, :6] * np.sqrt(len(table))
    first, second, share = (
        rng.integers(0, len(parts), count),
        rng.integers(0, len(parts), count),
        rng.random((count, 1)),
    )
    x = share * parts[first] + (1 - share) * parts[second] + rng.normal(0, 0.25, (count, 6))
    x /= np.sqrt(np.mean(share**2 + (1 - share) ** 2))
    score = x @ rng.normal(0, 0.6, 6) + 1.1 * x[:, 0] * x[:, 1] - 0.9 * np.abs(x[:, 2]) + 0.8 * np.sin(2 * x[:, 3])
    y = score + rng.normal(0, 0.35, count) > np.median(score)
    turned = x @ np.linalg.qr(rng.normal(0, 1, (6, 6)))[0]
    return Set(turned * 10.0 ** rng.uniform(-1, 1.5, 6), y.astype(np.int64))


_KINDS = {
    "rings": _rings,
    "chessboard": _chessboard,
    "wide": _wide,
    "rare": _rare,
    "spirals": _spirals,
    "cells": _cells,
}
