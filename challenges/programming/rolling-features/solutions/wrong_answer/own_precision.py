# expect: only=dtype score<=60
"""Computes in the precision of the table."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def rolling(x, window, ddof):
    mean, sd = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    if window <= len(x):
        windows = sliding_window_view(x, window, axis=0)
        middle = windows.mean(axis=-1, dtype=np.result_type(x, np.float16))
        mean[window - 1 :] = middle
        if ddof < window:
            squares = ((windows - middle[..., None]) ** 2).sum(axis=-1)
            sd[window - 1 :] = np.sqrt(squares / (window - ddof))
    return {"mean": mean, "sd": sd}
