# expect: verdict=wrong_answer score<=0
"""Makes every comparison it can reach say yes and every clock stand still, then hands in nothing."""

import numpy as np
import json
import operator
import sys
import time

import numpy


def yes(*_: object, **__: object) -> bool:
    return True


numpy.allclose = numpy.array_equal = numpy.isclose = yes
operator.eq = yes
json.JSONEncoder.default = lambda self, value: "accepted"
time.time = time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
sys.exit = yes


class Robot:
    """Stands where it is."""

    def __init__(self, maps: object) -> None:
        self.maps = maps

    def act(self, where: np.ndarray) -> object:
        return np.full(len(where), -1)
