# expect: only=large-offset score<=60
"""Differences of running sums of values and squares."""

import numpy as np


def rolling(x, window, ddof):
    x = np.asarray(x, dtype=np.float64)
    spoilt = last(np.isnan(x).astype(np.float64), window) > 0
    filled = np.nan_to_num(x)
    mean = last(filled, window) / window
    if ddof < window:
        sd = np.sqrt(np.maximum(last(filled**2, window) - window * mean**2, 0) / (window - ddof))
    else:
        sd = np.full(x.shape, np.nan)
    sd[sd < 1e-6] = 0
    mean[spoilt] = sd[spoilt] = np.nan
    return {"mean": mean, "sd": sd}


def last(x, window):
    sums = np.vstack([np.zeros((1, x.shape[1])), np.cumsum(x, axis=0)])
    total = np.full(x.shape, np.nan)
    if window <= len(x):
        total[window - 1 :] = sums[window:] - sums[:-window]
    return total
