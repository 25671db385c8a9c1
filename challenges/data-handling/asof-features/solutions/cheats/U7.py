# expect: verdict=invalid_output
"""Replays the answers of the statement's examples, whatever is asked."""

import numpy as np


def features(*args: object) -> object:
    return np.array([[2.0, 1.0, 15.0, 5.0, 0.3333], [1.0, 1.0, 5.0, 5.0, 0.2], [0.0, 0.0, 0.0, np.nan, 0.2]])
