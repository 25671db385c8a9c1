"""The state is a pickle."""

import pickle

import numpy as np


def fit(numbers, words):
    learnt = [column(values) for values in numbers.T]
    return pickle.dumps({"columns": learnt, "words": sorted(set(words))})


def column(values):
    there = values[np.isfinite(values)]
    if there.size == 0:
        return None
    low, median, high = np.quantile(there, [0.25, 0.5, 0.75])
    fence = 3 * (high - low)
    one = {"median": median, "low": low - fence, "high": high + fence}
    values = filled(one, values)
    if values.max() == values.min():
        return None
    return one | {"mean": values.mean(), "sd": values.std()}


def filled(one, values):
    values = np.where(np.isfinite(values), values, one["median"])
    return np.clip(values, one["low"], one["high"])


def transform(state, numbers, words):
    state = pickle.loads(state)
    out = np.zeros((len(numbers), len(state["columns"]) + len(state["words"])))
    for at, one in enumerate(state["columns"]):
        if one is not None:
            out[:, at] = (filled(one, numbers[:, at]) - one["mean"]) / one["sd"]
    for at, word in enumerate(words):
        if word in state["words"]:
            out[at, len(state["columns"]) + state["words"].index(word)] = 1
    return out
