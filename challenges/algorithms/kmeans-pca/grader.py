"""K-means by what it reaches, PCA by what it is: any method may come to either."""

from pathlib import Path
from typing import Any

import numpy as np

from challenges.kit import Array, Attempt, Data, Fields, Number, Score

CLUSTERS = 10
RESTARTS = 12
"""Of the grader's own search for the best inertia, besides the planted centres."""
NEAR = 1.02
WIDE_SECONDS = 1.0
TINY = 1e-6
"""Of the largest value compared."""

Problem = tuple[np.ndarray, int]
Answer = dict[str, Any]


def generate(data: Data) -> None:
    """Two public tables, one for each function. Hidden ones are drawn in `grade`."""
    for name, (rows, _) in zip(("blobs.csv", "table.csv"), _sample(data), strict=True):
        np.savetxt(data.public / name, rows, fmt="%.6f", delimiter=",")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public tables: every group stands or falls with them."""
    blobs, table = _sample(data)
    found = _kmeans(attempt, blobs)
    right = _is_consistent(blobs, found) and found["inertia"] <= NEAR * _best(blobs, data.rng("sample search"))
    right = right and _is_pca(table, _pca(attempt, table), signed=False)
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """Clusters first, then components; the widest table last, under a cpu budget of its own."""
    rng = data.rng("hidden tables")
    sets = [*(_blobs(rng, columns) for columns in (2, 3, 6)), (_wine(rng, 240), 4)]
    few: list[Problem] = [(rng.normal(0, 3, (many, 2))[rng.integers(0, many, 40)], k) for many, k in ((1, 3), (5, 8))]
    tables: list[Problem] = [(rng.normal(rng.choice([0, 1e5], 7), 1, (40, 7)), 7), (_wine(rng, 60), 5)]
    flat: Problem = (rng.normal(0, 1, (30, 2)) @ rng.normal(0, 1, (2, 6)), 5)
    wide: Problem = (rng.normal(0, 1, (30, 2500)), 3)

    found = [_kmeans(attempt, one) for one in sets]
    search = data.rng("search")
    parts = [_pca(attempt, one) for one in tables]
    quick = attempt.call("pca", [list(wide)], returns=_parts(wide), cpu_seconds=WIDE_SECONDS)
    return Score.of(
        data.groups,
        {
            "inertia": all(
                got["inertia"] <= NEAR * _best(one, search) and _is_achieved(one, got)
                for one, got in zip(sets, found, strict=True)
            ),
            "consistent": all(_is_consistent(*pair) for pair in zip(sets, found, strict=True)),
            "empty-cluster": all(_is_exact(one, _kmeans(attempt, one)) for one in few),
            "deterministic": all(
                _is_consistent(one, got) and _alike(_kmeans(attempt, one), got)
                for one, got in zip(sets, found, strict=True)
            ),
            "pca-values": all(_is_pca(*pair, signed=False) for pair in zip(tables, parts, strict=True)),
            "pca-sign-and-rank": all(_is_signed(got) for got in parts)
            and _is_pca(flat, _pca(attempt, flat), signed=True),
            "wide": quick.complete and _is_pca(wide, quick[0], signed=False),
        },
    )


def _sample(data: Data) -> tuple[Problem, Problem]:
    rng = data.rng("sample")
    return (np.round(rng.normal(0, 0.3, (30, 2)) + 9 * np.repeat(np.eye(3, 2), 10, axis=0), 6), 3), (
        np.round(rng.normal(0, [1, 3, 9], (12, 3)), 6),
        2,
    )


def _kmeans(attempt: Attempt, problem: Problem) -> Answer:
    rows, k = problem
    returns = Fields(
        {
            "labels": Array("int64", (len(rows),)),
            "centers": Array("float64", (k, rows.shape[1])),
            "inertia": Number(),
        }
    )
    answer: Answer = attempt.call("kmeans", [[rows, k, 7]], returns=returns)[0]
    return answer


def _pca(attempt: Attempt, problem: Problem) -> Answer:
    answer: Answer = attempt.call("pca", [list(problem)], returns=_parts(problem))[0]
    return answer


def _parts(problem: Problem) -> Fields:
    rows, k = problem
    shapes = {"components": (k, rows.shape[1]), "explained": (k,), "scores": (len(rows), k)}
    return Fields({name: Array("float64", shape) for name, shape in shapes.items()})


def _blobs(rng: np.random.Generator, columns: int) -> Problem:
    """Ten round clusters of ten to sixty rows; the first column is measured in thousandths, in the last set."""
    centres = rng.uniform(-20, 20, (CLUSTERS, columns))
    which = np.repeat(np.arange(CLUSTERS), rng.integers(10, 60, CLUSTERS))
    rows = centres[which] + rng.normal(0, 1, (len(which), columns))
    return rows[rng.permutation(len(rows))] * np.where(np.arange(columns) == 5, 1000.0, 1.0), CLUSTERS


def _wine(rng: np.random.Generator, count: int) -> np.ndarray:
    """Rows of a real table, drawn with replacement, each column in units of its spread, jittered, and rotated."""
    table = np.loadtxt(Path(__file__).with_name("wine.csv"), delimiter=",", skiprows=1)
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    rows = table[rng.integers(0, len(table), count)] + rng.normal(0, 0.1, (count, table.shape[1]))
    turn, _ = np.linalg.qr(rng.normal(0, 1, (table.shape[1], table.shape[1])))
    turned: np.ndarray = rows @ turn
    return turned


def _squared(rows: np.ndarray, centers: np.ndarray) -> np.ndarray:
    squares: np.ndarray = ((rows[:, None] - centers) ** 2).sum(axis=2)
    return squares


def _best(problem: Problem, rng: np.random.Generator) -> float:
    """The least inertia of several greedy k-means++ starts (Arthur and Vassilvitskii, 2007)."""
    rows, k = problem
    return min(_descended(rows, _start(rows, k, rng)) for _ in range(RESTARTS))


def _start(rows: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    centers: np.ndarray = rows[rng.integers(len(rows))][None]
    while len(centers) < k:
        near = _squared(rows, centers).min(axis=1)
        tried = rows[rng.choice(len(rows), 5, p=near / near.sum())]
        left = np.minimum(near[:, None], _squared(rows, tried)).sum(axis=0)
        centers = np.vstack([centers, tried[left.argmin()]])
    return centers


def _descended(rows: np.ndarray, centers: np.ndarray) -> float:
    before, apart = np.inf, _squared(rows, centers)
    while (now := float(apart.min(axis=1).sum())) < before:
        before, labels = now, apart.argmin(axis=1)
        for j in np.unique(labels):
            centers[j] = rows[labels == j].mean(axis=0)
        apart = _squared(rows, centers)
    return before


def _is_achieved(problem: Problem, got: Answer) -> bool:
    real = float(_squared(problem[0], got["centers"]).min(axis=1).sum())
    return bool(np.isfinite(real)) and abs(got["inertia"] - real) <= TINY * (1 + real)


def _is_consistent(problem: Problem, got: Answer) -> bool:
    """Labels say the nearest centre, and a centre is the mean of its rows."""
    rows, k = problem
    labels, centers = got["labels"], got["centers"]
    if not np.isfinite(centers).all() or labels.min() < 0 or labels.max() >= k or not _is_achieved(problem, got):
        return False
    apart = _squared(rows, centers)
    scale = TINY * (1 + np.abs(rows).max())
    nearest = apart[np.arange(len(rows)), labels] <= apart.min(axis=1) + scale**2
    means = (np.abs(rows[labels == j].mean(axis=0) - centers[j]).max() <= scale for j in np.unique(labels))
    return bool(nearest.all()) and all(means)


def _is_exact(problem: Problem, got: Answer) -> bool:
    return _is_consistent(problem, got) and got["inertia"] <= TINY


def _alike(one: Answer, other: Answer) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def _is_pca(problem: Problem, got: Answer, *, signed: bool) -> bool:
    """Compared with a singular value decomposition, directions without variance by being orthonormal alone."""
    rows, k = problem
    centred = rows - rows.mean(axis=0)
    _, values, directions = np.linalg.svd(centred, full_matrices=False)
    explained = values[:k] ** 2 / (len(rows) - 1)
    components, scores = got["components"], got["scores"]
    real = explained > TINY * explained[0]
    along = np.abs((components * directions[:k]).sum(axis=1))
    return (
        _near(got["explained"], explained)
        and _near(components @ components.T, np.eye(k))
        and _near(along[real], np.ones(real.sum()))
        and _near(scores, centred @ components.T)
        and (not signed or _is_signed({"components": components[real]}))
    )


def _is_signed(got: Answer) -> bool:
    return all(row[np.abs(row).argmax()] > 0 for row in got["components"])


def _near(found: np.ndarray, wanted: np.ndarray) -> bool:
    return bool(np.allclose(found, wanted, rtol=0, atol=TINY * max(1.0, float(np.abs(wanted).max()))))
