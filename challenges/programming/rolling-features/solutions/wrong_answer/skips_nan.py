# expect: only=nan score<=60
"""Leaves missing values out of their windows."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def rolling(x, window, ddof):
    x = np.asarray(x, dtype=np.float64)
    mean, sd = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    if window <= len(x):
        windows = sliding_window_view(x, window, axis=0)
        middle = np.nanmean(windows, axis=-1)
        mean[window - 1 :] = middle
        if ddof < window:
            squares = np.nansum((windows - middle[..., None]) ** 2, axis=-1)
            sd[window - 1 :] = np.sqrt(squares / (window - ddof))
    return {"mean": mean, "sd": sd}
