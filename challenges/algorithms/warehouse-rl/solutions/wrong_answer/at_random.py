# expect: fails=return score<=0
"""Anything."""

import numpy as np


class Robot:
    def __init__(self, maps):
        self.rng = np.random.default_rng(0)

    def act(self, where):
        return self.rng.integers(0, 4, len(where))
