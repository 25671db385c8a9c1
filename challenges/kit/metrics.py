"""Numbers that say how good predicted classes are; counts only, and knows neither files nor scores."""

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


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
