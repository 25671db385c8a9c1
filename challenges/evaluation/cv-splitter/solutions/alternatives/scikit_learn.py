"""StratifiedGroupKFold, and a walk through the moments one by one."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold


def folds(y, groups, k, seed):
    fold = np.full(len(y), -1)
    if len(set(groups.tolist())) >= k:
        warnings.simplefilter("ignore")
        splitter = StratifiedGroupKFold(n_splits=k, shuffle=True, random_state=seed)
        for number, (_, test) in enumerate(splitter.split(y, y, groups)):
            fold[test] = number
    return fold


def time_folds(t, k, gap):
    said = [[0] * len(t) for _ in range(k)]
    blocks = {}
    place = 0
    for moment in sorted(set(t.tolist())):
        blocks.setdefault(place * (k + 1) // len(t), []).append(moment)
        place += t.tolist().count(moment)
    for fold, row in enumerate(said):
        moments = blocks.get(fold + 1, [])
        for at, moment in enumerate(t.tolist()):
            if moment in moments:
                row[at] = 2
            elif moments and moment < moments[0] - gap:
                row[at] = 1
    return np.array(said)
