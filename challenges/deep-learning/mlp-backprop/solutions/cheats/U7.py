# expect: verdict=invalid_output
"""Replays the answers of the statement's examples, whatever is asked."""

import numpy as np


def forward(*args: object) -> object:
    return {"out": np.array([[2.0], [0.0]])}


def backward(*args: object) -> object:
    return {"0.W": np.array([[3.0], [3.0]]), "0.b": np.array([3.0]), "x": np.array([[6.0, 3.0], [0.0, 0.0]])}


def adam(*args: object) -> object:
    return np.array([[0.9], [0.8]])
