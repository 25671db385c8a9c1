# expect: fails=order score<=60
"""Answers in the order of time."""

import numpy as np

DAY = 1440
SPAN = 2**36


def features(events, labels):
    users = np.unique(np.concatenate([events["user"], labels["user"]]))
    owner, asker = np.searchsorted(users, events["user"]) * SPAN, np.searchsorted(users, labels["user"]) * SPAN
    known, happened = owner + events["known_at"], owner + events["happened_at"]
    by_known = np.argsort(known)
    by_happened = np.lexsort((np.arange(len(known)), known, happened))
    known, happened = known[by_known], happened[by_happened]
    at = labels["at"]

    now = np.searchsorted(known, asker + at)
    week = np.searchsorted(happened, asker + np.maximum(at - 7 * DAY, 0))
    month = np.searchsorted(happened, asker + np.maximum(at - 30 * DAY, 0))
    count = now - np.searchsorted(known, asker)
    amount = sums(events["amount"][by_known])[now] - sums(events["amount"][by_happened])[month]
    place = np.empty(len(known), dtype=np.int64)
    place[by_happened] = np.arange(len(known))
    latest = np.maximum.accumulate(place[by_known])
    last = np.full(len(at), np.nan)
    some = count > 0
    last[some] = events["amount"][by_happened][latest[now[some] - 1]]

    order = np.argsort(asker + at)
    moments = (asker + at)[order]
    before = np.searchsorted(moments, asker + at)
    start = np.searchsorted(moments, asker)
    ones = sums(labels["label"][order])
    rate = (ones[before] - ones[start] + 1) / (before - start + 5)
    return np.column_stack([count, now - week, amount, last, rate])[np.argsort(at, kind="stable")]


def sums(values):
    return np.concatenate([[0], np.cumsum(values)])
