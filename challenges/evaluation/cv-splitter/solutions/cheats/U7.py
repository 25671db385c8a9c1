# expect: verdict=invalid_output
"""Replays the answers of the statement's examples, whatever is asked."""

import numpy as np


def folds(*args: object) -> object:
    return np.array([-1, -1, -1])


def time_folds(*args: object) -> object:
    return np.array([[1, 0, 2, 2, 0, 0], [1, 1, 1, 0, 2, 2]])
