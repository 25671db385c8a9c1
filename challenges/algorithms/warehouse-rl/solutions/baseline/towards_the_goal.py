"""The larger of the two distances first, whatever lies between."""

import numpy as np


class Robot:
    def __init__(self, maps):
        self.goal = np.argwhere(maps == 3)[:, 1:]

    def act(self, where):
        down, right = (self.goal - where).T
        return np.where(abs(down) >= abs(right), np.where(down > 0, 2, 0), np.where(right > 0, 1, 3))
