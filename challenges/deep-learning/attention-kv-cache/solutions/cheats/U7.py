# expect: verdict=invalid_output
"""Replays the answer of the public sample, whatever is asked."""

import numpy as np


def attend(*args: object) -> object:
    return np.array([[[1.0, 0.0], [0.3302, 0.6698]]])


class Decoder:
    def __init__(self, *args: object) -> None:
        pass

    def step(self, x: object) -> object:
        return attend(x)
