# expect: only=speed score<=60
"""Looks through everything for each row."""

import numpy as np

DAY = 1440


def features(events, labels):
    out = np.empty((len(labels["at"]), 5))
    for row, (user, at) in enumerate(zip(labels["user"], labels["at"])):
        known = (events["user"] == user) & (events["known_at"] < at)
        happened = events["happened_at"]
        month = events["amount"][known & (happened >= at - 30 * DAY)].sum()
        there = np.flatnonzero(known)
        latest = there[np.lexsort((there, events["known_at"][there], happened[there]))[-1:]]
        before = labels["label"][(labels["user"] == user) & (labels["at"] < at)]
        out[row] = (
            known.sum(),
            (known & (happened >= at - 7 * DAY)).sum(),
            month,
            events["amount"][latest[0]] if len(latest) else np.nan,
            (before.sum() + 1) / (len(before) + 5),
        )
    return out
