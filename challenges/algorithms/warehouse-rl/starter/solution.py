import numpy as np


class Robot:
    """Steers a robot on each of n maps (n x 8 x 8)."""

    def __init__(self, maps: np.ndarray) -> None:
        self.maps = maps

    def act(self, where: np.ndarray) -> np.ndarray:
        """The action of each robot, 0 to 3, from where it is: n rows of (row, column)."""
        return np.ones(len(where), dtype=np.int64)
