"""Five numbers about a classifier: one group an edge, expected values by counting pairs."""

import numpy as np

from challenges.kit import Answers, Array, Attempt, Data, Score, close

FIRST_FOUR, AUC, ALL = slice(0, 4), slice(4, 5), slice(0, 5)
LOOKS_AT = {
    "confusion": FIRST_FOUR,
    "zero-division": FIRST_FOUR,
    "threshold": FIRST_FOUR,
    "weights": ALL,
    "auc": AUC,
    "auc-ties": AUC,
    "one-class": AUC,
}
"""Which of the five numbers a group compares, so that one mistake fails one group."""
MANY = 100_000
SECONDS = 1.0
SAME = close(atol=1e-9)

Case = tuple[np.ndarray, np.ndarray, float, np.ndarray]


def generate(data: Data) -> None:
    """One public table, which shows no edge. Hidden cases are drawn in `grade`."""
    y, score, threshold, weight = _plain(data.rng("sample"), 12)
    lines = [f"{label},{value},{heft:g}" for label, value, heft in zip(y, score, weight, strict=True)]
    report = ",".join(f"{value:.6f}" for value in _expected(y, score, threshold, weight))
    (data.public / "sample.csv").write_text("\n".join(["y,score,weight", *lines]) + "\n")
    (data.public / "sample.report.csv").write_text(f"accuracy,precision,recall,f1,auc\n{report}\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public table: every group stands or falls with it."""
    case = _plain(data.rng("sample"), 12)
    right = _answers(attempt, [case]).agree([_expected(*case)], SAME)
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """All groups; the last under a cpu budget of its own."""
    rng = data.rng("hidden cases")
    found: dict[str, bool | float] = {}
    for name, cases in _cases(rng).items():
        answers = [answer[LOOKS_AT[name]] for answer in _answers(attempt, cases)]
        wanted = [_expected(*case)[LOOKS_AT[name]] for case in cases]
        found[name] = all(map(SAME, answers, wanted))
    y, score, threshold, weight = _plain(rng, MANY)
    score = rng.permutation(MANY) / MANY  # distinct, so that ranks are enough to know the answer
    quick = _answers(attempt, [(y, score, threshold, weight)], SECONDS)
    found["speed"] = quick.agree([_by_ranks(y, score, threshold)], close(atol=1e-7))
    return Score.of(data.groups, found)


def _answers(attempt: Attempt, cases: list[Case], cpu_seconds: float | None = None) -> Answers:
    listed = [list(case) for case in cases]
    return attempt.call("binary_report", listed, returns=Array("float64", (5,)), cpu_seconds=cpu_seconds)


def _cases(rng: np.random.Generator) -> dict[str, list[Case]]:
    plain = [_plain(rng, size) for size in (9, 20, 37, 60)]
    tied = [(y, np.round(score * 4) / 4, 0.3, weight) for y, score, _, weight in plain]
    weighted = [(y, s, t, rng.integers(0, 5, len(y)) * rng.choice([0.5, 1.0, 1e6])) for y, s, t, _ in plain]
    y, score, _, weight = plain[0]
    nothing, some = np.zeros(6, dtype=np.int64), rng.random(6)
    empty: Case = (np.zeros(0, dtype=np.int64), np.zeros(0), 0.5, np.zeros(0))
    return {
        "confusion": plain,
        "zero-division": [
            (y, score, 2.0, weight),  # nothing is said positive
            (nothing, some, 2.0, np.ones(6)),  # and nothing is
            (nothing, some, -1.0, np.ones(6)),  # nothing is, and all is said to be
            (y, score, 0.5, np.zeros(len(y))),
            (y, score, 0.5, np.where(y == 1, 0.0, 1.0)),
            (1 - nothing, some, 2.0, np.ones(6)),
            empty,
        ],
        "threshold": [(y, s, float(rng.choice(s[y == 1])), w) for y, s, _, w in [*plain, *tied]],
        "weights": [(y, s, t, w) for y, s, t, w in weighted if w[(y == 1) & (s >= t)].any() and w[y == 0].any()],
        "auc": plain,
        "auc-ties": tied,
        "one-class": [
            (nothing, some, 0.5, np.ones(6)),
            (1 - nothing, some, 0.5, np.ones(6)),
            (y, score, 0.5, np.where(y == 1, 0.0, 1.0)),
            (y, score, 0.5, np.where(y == 0, 0.0, 1.0)),
            empty,
        ],
    }


def _plain(rng: np.random.Generator, size: int) -> Case:
    """Both classes, distinct scores that tell something, none of them at the threshold, weights of one."""
    y = rng.permutation(np.arange(size) % 3 == 0).astype(np.int64)
    score = np.round(rng.permutation(size) / size * 0.6 + 0.4 * y * rng.random(size), 6)
    score += np.arange(size) * 1e-9  # distinct even where rounding made two alike
    return y, score, float(np.median(score)) + 1e-10, np.ones(size)


def _expected(y: np.ndarray, score: np.ndarray, threshold: float, weight: np.ndarray) -> np.ndarray:
    said = score >= threshold
    hit, false, missed = (float(weight[one].sum()) for one in (said & (y == 1), said & (y == 0), ~said & (y == 1)))
    whole = float(weight.sum())
    pairs = np.outer(weight[y == 1], weight[y == 0])
    apart = score[y == 1][:, None] - score[y == 0][None, :]
    auc = float((pairs * ((apart > 0) + 0.5 * (apart == 0))).sum() / pairs.sum()) if pairs.sum() else -1.0
    return np.array(
        [
            (whole - false - missed) / whole if whole else 0.0,
            hit / (hit + false) if hit + false else 0.0,
            hit / (hit + missed) if hit + missed else 0.0,
            2 * hit / (2 * hit + false + missed) if hit else 0.0,
            auc,
        ]
    )


def _by_ranks(y: np.ndarray, score: np.ndarray, threshold: float) -> np.ndarray:
    """The same for distinct scores and weights of one: the AUC from the sum of the positives' ranks."""
    said = score >= threshold
    hit, of_said, real = (int(one.sum()) for one in (said & (y == 1), said, y == 1))
    ranks = np.empty(len(y))
    ranks[np.argsort(score)] = np.arange(1, len(y) + 1)
    auc = (ranks[y == 1].sum() - real * (real + 1) / 2) / (real * (len(y) - real))
    accuracy = (said == (y == 1)).mean()
    return np.array([accuracy, hit / of_said, hit / real, 2 * hit / (of_said + real), auc])
