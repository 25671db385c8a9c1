# expect: fails=confusion score<=60
"""Precision and recall change places."""

import numpy as np


def binary_report(y, score, threshold, weight):
    positive = y == 1
    said = score >= threshold
    hit = weight[positive & said].sum()
    precision = ratio(hit, weight[said].sum())
    recall = ratio(hit, weight[positive].sum())
    return np.array(
        [
            ratio(weight[positive == said].sum(), weight.sum()),
            recall,
            precision,
            ratio(2 * precision * recall, precision + recall),
            auc(positive, score, weight),
        ]
    )


def ratio(part, whole):
    return part / whole if whole > 0 else 0.0


def auc(positive, score, weight):
    _, place = np.unique(score, return_inverse=True)
    up = np.bincount(place, weight * positive)
    down = np.bincount(place, weight * ~positive)
    pairs = up.sum() * down.sum()
    if pairs == 0:
        return -1.0
    below = np.cumsum(down) - down / 2
    return (up * below).sum() / pairs
