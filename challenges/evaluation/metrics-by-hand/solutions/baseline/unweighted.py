"""Accuracy, precision and recall as they are in a first lesson."""

import numpy as np


def binary_report(y, score, threshold, weight):
    said = score > threshold
    hit = (said & (y == 1)).sum()
    precision, recall = hit / max(1, said.sum()), hit / max(1, (y == 1).sum())
    f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
    return np.array([(said == (y == 1)).mean() if len(y) else 0.0, precision, recall, f1, 0.5])
