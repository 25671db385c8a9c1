"""Adds the table to itself, shifted by a row at a time: as many vector steps as the window has rows."""

import numpy as np


def rolling(x, window, ddof):
    x = x.astype(np.float64)
    empty = np.full((min(window - 1, len(x)), x.shape[1]), np.nan)
    count = len(x) - window + 1
    if count < 1:
        return {"mean": np.full(x.shape, np.nan), "sd": np.full(x.shape, np.nan)}
    mean = sum(x[k : k + count] for k in range(window)) / window
    squares = sum((x[k : k + count] - mean) ** 2 for k in range(window))
    sd = np.sqrt(squares / (window - ddof)) if ddof < window else np.full(mean.shape, np.nan)
    return {"mean": np.vstack([empty, mean]), "sd": np.vstack([empty, sd])}
