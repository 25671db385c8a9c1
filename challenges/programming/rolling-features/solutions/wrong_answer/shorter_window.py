# expect: only=edges score<=60
"""Takes what there is if the window is longer than the table."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def rolling(x, window, ddof):
    x = np.asarray(x, dtype=np.float64)
    mean, sd = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    window = min(window, max(len(x), 1))
    if window <= len(x):
        windows = sliding_window_view(x, window, axis=0)
        middle = windows.mean(axis=-1)
        mean[window - 1 :] = middle
        if ddof < window:
            squares = ((windows - middle[..., None]) ** 2).sum(axis=-1)
            sd[window - 1 :] = np.sqrt(squares / (window - ddof))
    return {"mean": mean, "sd": sd}
