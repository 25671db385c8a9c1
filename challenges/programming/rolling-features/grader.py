"""Rolling mean and deviation against a window at a time in two passes; one group a trap."""

from collections.abc import Callable
from typing import Any

import numpy as np

from challenges.kit import Answers, Array, Attempt, Data, Fields, Score, close

SAME = close(rtol=1e-9, atol=1e-9)
OFFSET = close(rtol=1e-7)
LONG, WIDE, WINDOW = 60_000, 4, 64
SECONDS = 1.2
LOOKED_AT = 2_000
"""Rows of the long table that are compared."""

Same = Callable[[Any, Any], bool]
Case = tuple[np.ndarray, int, int]


def generate(data: Data) -> None:
    """One public table with its report, which shows no trap. Hidden tables are drawn in `grade`."""
    x, window, ddof = case = _sample(data)
    names = ["a", "b"]
    table = np.hstack([x, *_expected(case)])
    header = ",".join([*names, *(f"mean_{name}" for name in names), *(f"sd_{name}" for name in names)])
    lines = [",".join("" if np.isnan(one) else f"{one:.6f}" for one in row) for row in table]
    text = "\n".join([f"# window {window}, ddof {ddof}", header, *lines])
    (data.public / "sample.csv").write_text(text + "\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public table: every group stands or falls with it."""
    right = _right(attempt, [_sample(data)])
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """All groups; the long table last, under a cpu budget of its own."""
    rng = data.rng("hidden tables")
    found: dict[str, bool | float] = {name: _right(attempt, cases) for name, cases in _cases(rng).items()}
    found["large-offset"] = _right(attempt, _offset(rng), OFFSET)
    found["speed"] = _is_quick(attempt, rng)
    return Score.of(data.groups, found)


def _sample(data: Data) -> Case:
    return np.round(data.rng("sample").normal(5, 2, (8, 2)), 2), 3, 1


def _cases(rng: np.random.Generator) -> dict[str, list[Case]]:
    basic = [(rng.normal(0, 3, shape), window, 1) for shape, window in (((12, 1), 4), ((30, 5), 7), ((50, 3), 2))]
    x = rng.normal(0, 3, (20, 3))
    wholes = rng.integers(0, 256, (25, 2))
    fine = rng.normal(0, 1, (25, 2)).astype(np.float32)
    return {
        "basic": basic,
        "ddof": [(x, 5, ddof) for ddof in (0, 2, 4, 5, 6)],
        "edges": [(x, 1, 0), (x, 20, 1), (x, 21, 1), (x[:0], 3, 1), (x[:1], 1, 0), (x[:, :1], 19, 1)],
        "nan": [(_spoilt(rng, x, count), window, 1) for count, window in ((1, 4), (4, 3), (20, 2), (60, 3))],
        "dtype": [*((wholes.astype(kind), 6, 1) for kind in ("uint8", "int64", "int16")), (fine, 6, 1)],
    }


def _spoilt(rng: np.random.Generator, x: np.ndarray, count: int) -> np.ndarray:
    spoilt = x.copy().ravel()
    spoilt[rng.permutation(spoilt.size)[:count]] = np.nan
    return spoilt.reshape(x.shape)


def _offset(rng: np.random.Generator) -> list[Case]:
    far = [rng.normal(offset, 1, (40, 2)) for offset in (1e8, -1e8)]
    step = np.concatenate([rng.normal(1e9, 1e3, (20, 2)), rng.normal(0, 1, (30, 2))])
    flat = np.full((12, 1), 1e8 + 0.1)
    return [*((x, 5, 1) for x in far), (step, 6, 1), (flat, 5, 1)]


def _right(attempt: Attempt, cases: list[Case], same: Same = SAME) -> bool:
    """Answers have the shape of the table, which differs from case to case."""
    return all(
        same(answer[name], wanted)
        for case in cases
        for answer in _answers(attempt, case)
        for name, wanted in zip(("mean", "sd"), _expected(case), strict=True)
    )


def _answers(attempt: Attempt, case: Case, cpu_seconds: float | None = None) -> Answers:
    table = Array("float64", case[0].shape, max_kb=case[0].size * 8 // 1024 + 1)
    returns = Fields({"mean": table, "sd": table})
    return attempt.call("rolling", [list(case)], returns=returns, cpu_seconds=cpu_seconds)


def _is_quick(attempt: Attempt, rng: np.random.Generator) -> bool:
    x = rng.normal(0, 1, (LONG, WIDE))
    answers = _answers(attempt, (x, WINDOW, 1), SECONDS)
    if not answers.complete:
        return False
    ends = rng.integers(WINDOW - 1, LONG, LOOKED_AT)
    windows = x[ends[:, None] + np.arange(1 - WINDOW, 1)]
    wanted = {"mean": windows.mean(axis=1), "sd": windows.std(axis=1, ddof=1)}
    return all(SAME(answers[0][name][ends], wanted[name]) for name in wanted)


def _expected(case: Case) -> tuple[np.ndarray, np.ndarray]:
    x, window, ddof = np.asarray(case[0], dtype=np.float64), case[1], case[2]
    mean, sd = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    for end in range(window, len(x) + 1):
        rows = x[end - window : end]
        mean[end - 1] = rows.mean(axis=0)
        if ddof < window:
            sd[end - 1] = np.sqrt(((rows - mean[end - 1]) ** 2).sum(axis=0) / (window - ddof))
    return mean, sd
