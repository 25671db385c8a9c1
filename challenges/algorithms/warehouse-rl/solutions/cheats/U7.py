# expect: verdict=invalid_output
"""Replays the answers of the statement's examples, whatever is asked."""

import numpy as np


class Robot:
    """Stands where it is."""

    def __init__(self, maps: object) -> None:
        self.maps = maps

    def act(self, where: np.ndarray) -> object:
        return np.array([1])
