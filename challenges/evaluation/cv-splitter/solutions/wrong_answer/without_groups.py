# expect: only=groups score<=60
"""Stratifies well and knows of no groups."""

import numpy as np


def folds(y, groups, k, seed):
    names, which = np.unique(groups, return_inverse=True)
    if len(names) < k:
        return np.full(len(y), -1)
    rows = (y[:, None] == np.unique(y)).astype(float)
    filled = np.zeros((k, rows.shape[1]))
    fold = np.empty(len(y), dtype=np.int64)
    for group in np.random.default_rng(seed).permutation(len(names)):
        own = rows[which == group].sum(axis=0)
        best = (filled @ own).argmin()
        filled[best] += own
        fold[which == group] = best
    order = np.lexsort((np.random.default_rng(seed).random(len(y)), y))
    fold = np.zeros(len(y), dtype=np.int64)
    fold[order] = np.arange(len(y)) % k
    return fold


def time_folds(t, k, gap):
    place = np.searchsorted(np.sort(t), t)
    block = place * (k + 1) // len(t)
    said = np.zeros((k, len(t)), dtype=np.int64)
    for fold in range(k):
        test = block == fold + 1
        if test.any():
            said[fold][t < t[test].min() - gap] = 1
            said[fold][test] = 2
    return said
