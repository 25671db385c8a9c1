"""The rows as they come, a fold after the other; in time, all that lies before."""

import numpy as np


def folds(y, groups, k, seed):
    return np.arange(len(y)) * k // len(y)


def time_folds(t, k, gap):
    block = np.argsort(np.argsort(t)) * (k + 1) // len(t)
    return np.array([np.where(block == fold, 2, np.where(block < fold, 1, 0)) for fold in range(1, k + 1)])
