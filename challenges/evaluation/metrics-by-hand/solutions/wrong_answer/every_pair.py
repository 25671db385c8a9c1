# expect: only=speed score<=60
"""Compares every pair, in blocks that fit into memory."""

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
            precision,
            recall,
            ratio(2 * precision * recall, precision + recall),
            auc(positive, score, weight),
        ]
    )


def ratio(part, whole):
    return part / whole if whole > 0 else 0.0


def auc(positive, score, weight):
    up, down = weight[positive], weight[~positive]
    won = 0.0
    for value, heft in zip(score[positive], up, strict=True):
        apart = value - score[~positive]
        won += heft * (down * ((apart > 0) + (apart == 0) / 2)).sum()
    pairs = up.sum() * down.sum()
    return won / pairs if pairs else -1.0
