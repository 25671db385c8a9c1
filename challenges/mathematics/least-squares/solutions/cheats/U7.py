# expect: verdict=invalid_output
"""Replays the answers of the statement's examples, whatever is asked."""

import numpy as np


def fit(*args: object) -> object:
    return {
        "coef": np.array([0.8333, 1.5]),
        "se": np.array([0.3727, 0.2887]),
        "r2": 0.9643,
        "leverage": np.array([0.8333, 0.3333, 0.8333]),
    }
