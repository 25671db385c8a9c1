"""One walk through the sorted rows, without a vector."""

import itertools

import numpy as np


def binary_report(y, score, threshold, weight):
    rows = sorted(zip(score.tolist(), y.tolist(), weight.tolist(), strict=True))
    cells = {(real, said): 0.0 for real in (0, 1) for said in (False, True)}
    behind = won = 0.0
    for value, same in itertools.groupby(rows, key=lambda row: row[0]):
        here = {0: 0.0, 1: 0.0}
        for _, real, heft in same:
            here[real] += heft
            cells[real, value >= threshold] += heft
        won += here[1] * (behind + here[0] / 2)
        behind += here[0]
    hit, false, missed = cells[1, True], cells[0, True], cells[1, False]
    real = hit + missed
    return np.array(
        [
            divided(hit + cells[0, False], sum(cells.values())),
            divided(hit, hit + false),
            divided(hit, real),
            divided(2 * hit, 2 * hit + false + missed),
            won / (real * behind) if real * behind else -1.0,
        ]
    )


def divided(part, whole):
    return part / whole if whole else 0.0
