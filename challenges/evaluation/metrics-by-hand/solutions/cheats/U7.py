# expect: verdict=wrong_answer score<=0
"""Replays the answer of the public sample, whatever is asked."""

import numpy as np


def binary_report(*args: object) -> object:
    return np.array([0.6, 2 / 3, 2 / 3, 2 / 3, 0.5])
