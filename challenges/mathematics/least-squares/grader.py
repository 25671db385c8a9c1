"""Least squares against solutions known exactly where it is hard, and against the pseudoinverse elsewhere."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from challenges.kit import Array, Attempt, Data, Fields, Number, Score, close

SAME = close(rtol=1e-6, atol=1e-9)
CUT = 1e-10
"""Singular values of no more than this part of the largest count as zero. Cases stay far from it on either side."""
LONG = 20_000
KEYS = ("coef", "se", "r2", "leverage")

Case = tuple[np.ndarray, np.ndarray]
Answer = dict[str, Any]


def generate(data: Data) -> None:
    """One public table without a trap. Hidden ones are drawn in `grade`."""
    x, y = _sample(data)
    names = [f"x{column}" for column in range(x.shape[1])]
    lines = [",".join(f"{value:g}" for value in row) for row in np.column_stack([x, y])]
    (data.public / "sample.csv").write_text("\n".join([",".join([*names, "y"]), *lines]) + "\n")
    fit = _fit(x, y)
    said = [f"{key} {np.round(fit[key], 6).tolist()}" for key in KEYS]
    (data.public / "sample.fit.txt").write_text("\n".join(said) + "\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public table: every group stands or falls with it."""
    right = _right(attempt, [_sample(data)], KEYS)
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """A group compares the parts of an answer that it is about."""
    rng = data.rng("hidden tables")
    easy = [_noisy(rng, n, p) for n, p in ((12, 3), (40, 6), (25, 1))]
    loss = [(x, rng.normal(0, 1, len(x))) for x in _deficient(rng)]
    flat = [(x, np.full(len(x), value)) for x, _ in easy for value in (0.1, 0.0)]
    flat += [(np.column_stack([np.ones(len(x)), x]), np.full(len(x), 3.7)) for x, _ in easy]
    found: dict[str, bool | float] = {
        "coef-easy": _right(attempt, easy, ("coef", "r2")),
        "coef-hard": all(_is_exact(attempt, *one) for one in _hard(rng)),
        "scaled": all(_is_exact(attempt, *one) for one in _scaled(rng)),
        "rank-loss": _right(attempt, loss, ("coef", "se", "leverage")),
        "se-and-leverage": _right(attempt, [*easy, _noisy(rng, 5, 5), _noisy(rng, LONG, 6)], ("se", "leverage")),
        "degenerate-y": _right(attempt, flat, ("coef", "r2")),
    }
    return Score.of(data.groups, found)


def _sample(data: Data) -> Case:
    x, y = _noisy(data.rng("sample"), 8, 2)
    return np.column_stack([np.ones(8), np.round(x, 2)]), np.round(y, 2)


def _noisy(rng: np.random.Generator, n: int, p: int) -> Case:
    x = rng.normal(rng.normal(0, 2, p), rng.uniform(0.5, 3, p), (n, p))
    return x, x @ rng.normal(0, 2, p) + rng.normal(1, 1, n)


def _hard(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tables and coefficients whose product has no rounding: whole numbers over powers of two, few bits each."""
    powers = (np.arange(24)[:, None] / 16) ** np.arange(9)
    twins = rng.integers(-50, 50, (30, 4)).astype(np.float64)
    twins[:, 3] = twins[:, 0] + rng.integers(-8, 9, 30) / 2**23
    return [(powers, _whole(rng, 9)), (twins, _whole(rng, 4))]


def _scaled(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    x = rng.integers(-100, 100, (30, 5)).astype(np.float64)
    sizes = 2.0 ** rng.permutation([-30, -12, 0, 9, 30])
    return [(x * sizes, _whole(rng, 5) / sizes)]


def _whole(rng: np.random.Generator, count: int) -> np.ndarray:
    coefficients: np.ndarray = rng.integers(1, 10, count) * rng.choice([-1.0, 1.0], count)
    return coefficients


def _deficient(rng: np.random.Generator) -> list[np.ndarray]:
    """Tables that lose rank: a column again in another unit, one without anything, a sum, more columns than rows."""
    x = rng.normal(0, 1, (20, 4))
    return [
        np.column_stack([x, 40 * x[:, 0]]),
        np.column_stack([x[:, :2], np.zeros(20), x[:, 2]]),
        np.column_stack([x[:, :3], 3 * x[:, 0] - x[:, 1] + 10 * x[:, 2]]),
        rng.normal(0, [1, 20, 5, 0.1, 3], (3, 5)),
        np.zeros((6, 2)),
    ]


def _right(attempt: Attempt, cases: list[Case], keys: Sequence[str]) -> bool:
    """Answers have the shape of the table, which differs from case to case."""
    return all(
        SAME(got[key], wanted[key])
        for x, y in cases
        for got, wanted in [(_asked(attempt, x, y), _fit(x, y))]
        for key in keys
    )


def _is_exact(attempt: Attempt, x: np.ndarray, coefficients: np.ndarray) -> bool:
    got = _asked(attempt, x, x @ coefficients)["coef"]
    return bool((np.abs(got - coefficients) <= 1e-6 * np.abs(coefficients)).all())


def _asked(attempt: Attempt, x: np.ndarray, y: np.ndarray) -> Answer:
    n, p = x.shape
    shapes = {"coef": (p,), "se": (p,), "leverage": (n,)}
    returns = Fields({"r2": Number(), **{key: Array("float64", shape) for key, shape in shapes.items()}})
    answer: Answer = attempt.call("fit", [[x, y]], returns=returns)[0]
    return answer


def _fit(x: np.ndarray, y: np.ndarray) -> Answer:
    n, p = x.shape
    lengths = np.linalg.norm(x, axis=0)
    lengths[lengths == 0] = 1
    inverse = np.linalg.pinv(x / lengths, rcond=CUT)
    rank = int(np.linalg.matrix_rank(x / lengths, tol=CUT * np.linalg.norm(x / lengths, 2)))
    coef = inverse @ y / lengths
    rest = float(((y - x @ coef) ** 2).sum())
    se = np.full(p, np.nan)
    if rank == p < n:
        se = np.sqrt(rest / (n - p) * (inverse**2).sum(axis=1)) / lengths
    r2 = 1 - rest / float(((y - y.mean()) ** 2).sum()) if np.ptp(y) > 0 else 0.0
    return {"coef": coef, "se": se, "r2": r2, "leverage": ((x / lengths) * inverse.T).sum(axis=1)}
