# expect: verdict=invalid_output
"""Hands back an array of a class of its own that is equal to everything."""

import numpy as np


class Lazy(np.ndarray):
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def slices(*args: object) -> object:
    return np.zeros(5).view(Lazy)
