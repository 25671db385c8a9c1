"""Numbers that say how good predictions are; knows neither files nor scores."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from challenges.kit.errors import GraderError


class Confusion(NamedTuple):
    """How often each pair of truth and guess occurred; positive = the class that is looked for."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


def confusion(truth: Sequence[int] | Any, guess: Sequence[int] | Any) -> Confusion:
    """Counts two equally long lists of 0 and 1.

    Raises:
        GraderError: they differ in length or hold anything else; a grader checks answers before it counts.
    """
    truth, guess = np.asarray(truth), np.asarray(guess)
    if truth.ndim != 1 or truth.shape != guess.shape:
        raise GraderError("confusion needs two lists of the same length")
    if not (np.isin(truth, (0, 1)).all() and np.isin(guess, (0, 1)).all()):
        raise GraderError("confusion counts 0 and 1 only")
    both = int(np.sum((truth == 1) & (guess == 1)))
    said, real = int(np.sum(guess == 1)), int(np.sum(truth == 1))
    return Confusion(both, said - both, real - both, len(truth) - said - real + both)


def precision(counts: Confusion) -> float:
    """The share of positive guesses that are right; 0 without positive guesses."""
    return _ratio(counts.true_positive, counts.true_positive + counts.false_positive)


def recall(counts: Confusion) -> float:
    """The share of positives that were found; 0 without positives."""
    return _ratio(counts.true_positive, counts.true_positive + counts.false_negative)


def f1(counts: Confusion) -> float:
    """The harmonic mean of precision and recall, 2TP / (2TP + FP + FN); 0 if there is nothing positive at all."""
    wrong = counts.false_positive + counts.false_negative
    return _ratio(2 * counts.true_positive, 2 * counts.true_positive + wrong)


def f1_standard_error(counts: Confusion) -> float:
    """The standard error of F1 when the rows are a random sample: (2 - F) * sqrt(F * (1 - F) / (2 * m)).

    m = TP + FP + FN. J = TP / m, called F* in Hand, Christen and Kirielle, "F*: an interpretable transformation of the
    F-measure" (Machine Learning 110, 2021), is a plain proportion of m rows with variance J * (1 - J) / m, and
    F = 2J / (1 + J); the delta method with dF/dJ = 2 / (1 + J)^2 and J = F / (2 - F) gives the line above. It is an
    estimate for large m, 0 where F is 0 or 1; 0 if m is 0.
    """
    score = f1(counts)
    rows = counts.true_positive + counts.false_positive + counts.false_negative
    return (2 - score) * math.sqrt(_ratio(score * (1 - score), 2 * rows))


def r2(truth: Sequence[float] | Any, guess: Sequence[float] | Any) -> float:
    """1 - sum of squared errors / sum of squared differences of the truth from its mean; 0 is what the mean would do.

    Raises:
        GraderError: the lists differ in length, hold what is not finite, or `truth` does not vary.
    """
    truth, guess = _finite_pair(truth, guess)
    return float(1 - np.mean((truth - guess) ** 2) / np.var(truth))


def r2_standard_error(truth: Sequence[float] | Any, guess: Sequence[float] | Any) -> float:
    """The standard error of R2 when the rows are a random sample: the deviation of its influence over sqrt(n).

    With residuals e and variance v of the truth, R2 = 1 - E[e^2] / v, and by the delta method the influence of a row is
    -(e^2 - (1 - R2) (y - mean)^2) / v. An estimate for large n. Raises as `r2` does.
    """
    truth, guess = _finite_pair(truth, guess)
    unexplained = 1 - r2(truth, guess)
    influence = ((truth - guess) ** 2 - unexplained * (truth - truth.mean()) ** 2) / np.var(truth)
    return float(np.std(influence) / math.sqrt(len(truth)))


def recalls(truth: Sequence[int] | Any, guess: Sequence[int] | Any) -> dict[int, float]:
    """The recall of each class that occurs in `truth`, classes being any integers.

    Raises GraderError: the lists are empty or differ in length.
    """
    truth, guess = np.asarray(truth), np.asarray(guess)
    if truth.ndim != 1 or truth.shape != guess.shape or not len(truth):
        raise GraderError("recalls need two lists of the same length, with something in them")
    return {int(one): float(np.mean(guess[truth == one] == one)) for one in np.unique(truth)}


def accuracy(truth: Sequence[int] | Any, guess: Sequence[int] | Any) -> float:
    """The share of guesses that are right. Raises as `recalls` does."""
    recalls(truth, guess)
    return float(np.mean(np.asarray(truth) == np.asarray(guess)))


def accuracy_standard_error(truth: Sequence[int] | Any, guess: Sequence[int] | Any) -> float:
    """The standard error of the accuracy, that of a proportion of n rows: sqrt(p * (1 - p) / n)."""
    share = accuracy(truth, guess)
    return math.sqrt(share * (1 - share) / len(truth))


def balanced_accuracy(truth: Sequence[int] | Any, guess: Sequence[int] | Any) -> float:
    """The mean of the recalls of the classes in `truth`. Raises as `recalls` does."""
    return float(np.mean(list(recalls(truth, guess).values())))


def balanced_accuracy_standard_error(truth: Sequence[int] | Any, guess: Sequence[int] | Any) -> float:
    """The standard error of the mean recall, each recall being a proportion of the rows of its class."""
    truth = np.asarray(truth)
    found = recalls(truth, guess)
    return math.sqrt(sum(r * (1 - r) / int(np.sum(truth == one)) for one, r in found.items())) / len(found)


def _finite_pair(truth: Any, guess: Any) -> tuple[Any, Any]:
    truth, guess = np.asarray(truth, dtype=np.float64), np.asarray(guess, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != guess.shape or not (np.isfinite(truth).all() and np.isfinite(guess).all()):
        raise GraderError("R2 needs two lists of finite numbers, of the same length")
    if not len(truth) or np.ptp(truth) == 0:
        raise GraderError("R2 needs values that vary")
    return truth, guess


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
