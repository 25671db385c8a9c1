# expect: verdict=invalid_output
"""Replays the answers of the statement's examples, whatever is asked."""

import numpy as np


def fit(*args: object) -> object:
    return '{"of": "the example"}'


def transform(*args: object) -> object:
    return np.array([[-0.5031, 0.0, 1.0], [-0.4904, 0.0, 0.0]])
