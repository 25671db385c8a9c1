# expect: verdict=invalid_output
"""Hands back an array of a class of its own that is equal to everything."""

import numpy as np


class Lazy(np.ndarray):
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


class Robot:
    """Stands where it is."""

    def __init__(self, maps: object) -> None:
        self.maps = maps

    def act(self, where: np.ndarray) -> object:
        return np.zeros(len(where)).view(Lazy)
