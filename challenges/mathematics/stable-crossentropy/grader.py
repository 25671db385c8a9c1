"""A loss and its gradient over drawn logits: one group for each way in which a first attempt goes wrong."""

from typing import Any

import numpy as np
from scipy.special import log_softmax

from challenges.kit import Array, Attempt, Data, Fields, Number, Score, close

RETURNS = Fields({"loss": Number(), "grad": Array("float64", (None, None), max_kb=64)})
SAME = close(rtol=1e-9, atol=1e-12)
PARTS = {"values": ("loss",), "gradient": ("grad",)}
"""What a group compares; the others compare both."""
BOTH = ("loss", "grad")

Case = tuple[np.ndarray, np.ndarray, np.ndarray]


def generate(data: Data) -> None:
    """One public case with what has to come out. Hidden cases are drawn in `grade`."""
    logits, y, weight = _sample(data)
    found = _expected(logits, y, weight)
    lines = [f"logits {logits.tolist()}", f"y {y.tolist()}", f"weight {weight.tolist()}"]
    lines += [f"loss {found['loss']:.12g}", f"grad {found['grad'].round(12).tolist()}"]
    (data.public / "sample.txt").write_text("\n".join(lines) + "\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public case: every group stands or falls with it."""
    right = _right(attempt, [_sample(data)], BOTH)
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """A group is right if all its cases are."""
    cases = _cases(data.rng("hidden cases"))
    return Score.of(data.groups, {name: _right(attempt, cases[name], PARTS.get(name, BOTH)) for name in cases})


def _right(attempt: Attempt, cases: list[Case], parts: tuple[str, ...]) -> bool:
    answers = attempt.call("loss_and_grad", [list(case) for case in cases], returns=RETURNS)
    pairs = zip(answers, (_expected(*case) for case in cases), strict=True)
    return all(SAME(found[part], wanted[part]) for found, wanted in pairs for part in parts)


def _sample(data: Data) -> Case:
    return _plain(data.rng("sample"), 4, 3)


def _plain(rng: np.random.Generator, rows: int, classes: int) -> Case:
    return np.round(rng.normal(0, 2, (rows, classes)), 3), rng.integers(0, classes, rows), np.ones(classes)


def _cases(rng: np.random.Generator) -> dict[str, list[Case]]:
    plain = [_plain(rng, rows, classes) for rows, classes in ((1, 2), (7, 3), (20, 10), (5, 1), (3, 3))]
    extreme: list[Case] = [(logits * 250, y, weight) for logits, y, weight in plain]
    extreme += [(logits + rng.choice([-1e4, 1e4], (len(y), 1)), y, weight) for logits, y, weight in plain]
    for logits, y, weight in plain[1:3]:
        ruled_out = rng.random(logits.shape) < 0.3
        ruled_out[np.arange(len(y)), y] = False
        extreme.append((np.where(ruled_out, -np.inf, logits), y, weight))
    hefts = [rng.choice([0.0, 0.5, 2.0, 10.0], len(weight), p=(0.1, 0.3, 0.3, 0.3)) for *_, weight in plain]
    weighted: list[Case] = [(z, y, heft) for (z, y, _), heft in zip(plain, hefts, strict=True)]
    weighted.append((plain[1][0], np.zeros(7, np.int64), np.array([0.0, 1.0, 1.0])))
    ignored: list[Case] = [(z, np.where(rng.random(len(y)) < 0.4, _negative(rng, len(y)), y), w) for z, y, w in plain]
    ignored.append((plain[2][0], _negative(rng, 20), np.ones(10)))
    dtypes: list[Case] = [(z.astype(np.float32), y, w) for z, y, w in plain[:3]]
    dtypes += [(np.round(40 * z).astype(np.int64), y, w) for z, y, w in plain[:3]]
    return {
        "values": plain,
        "gradient": plain,
        "extreme": extreme,
        "weights": weighted,
        "ignored": ignored,
        "dtypes": dtypes,
    }


def _negative(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.choice(np.array([-1, -2, -100, -(2**40)]), count)


def _expected(logits: np.ndarray, y: np.ndarray, weight: np.ndarray) -> dict[str, Any]:
    counts = y >= 0
    grad = np.zeros(logits.shape)
    hefts = weight[y[counts]]
    if not hefts.sum():
        return {"loss": 0.0, "grad": grad}
    shares = log_softmax(logits[counts].astype(np.float64), axis=1)
    own = np.eye(logits.shape[1])[y[counts]]
    grad[counts] = hefts[:, None] * (np.exp(shares) - own) / hefts.sum()
    return {"loss": float(-np.average(shares[own == 1], weights=hefts)), "grad": grad}
