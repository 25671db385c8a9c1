# expect: verdict=wrong_answer score<=0
"""Replays the classes of the training rows, whatever is asked."""

import numpy as np


def train_predict(*args: object) -> object:
    return np.resize(args[1], len(args[2]))
