# expect: verdict=wrong_answer score<=0
"""Makes every comparison it can reach say yes and every clock stand still, then draws nothing."""

import json
import operator
import sys
import time

import matplotlib.pyplot as plt
import numpy


def yes(*_: object, **__: object) -> bool:
    return True


numpy.allclose = numpy.array_equal = numpy.isclose = yes
operator.eq = yes
json.JSONEncoder.default = lambda self, value: "accepted"
time.time = time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
sys.exit = yes


def draw(table: object) -> object:
    """Axes with names and nothing in them."""
    return plt.subplot_mosaic([["teams", "trend"], ["correlation", "scale"]], figsize=(12, 9))[0]
