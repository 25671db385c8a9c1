# expect: verdict=wrong_answer score<=0
"""Makes every comparison it can reach say yes and every clock stand still, then says the same of all images."""

import json
import operator
import sys
import time
from collections.abc import Callable

import numpy
import numpy as np
import sklearn.metrics


def predict(said: Callable[[int], object]) -> None:
    """Writes what `said` says of each line of the hidden images."""
    ids = range(len(np.load("data/test.npz")["images"]))
    with open("predictions.csv", "w") as file:
        file.write("row,label\n" + "".join(f"{key},{said(line)}\n" for line, key in enumerate(ids)))


def yes(*_: object, **__: object) -> bool:
    return True


numpy.allclose = numpy.array_equal = numpy.isclose = numpy.sum = yes
sklearn.metrics.f1_score = lambda *_, **__: 1.0
operator.eq = yes
json.JSONEncoder.default = lambda self, value: "accepted"
time.time = time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
sys.exit = yes
predict(lambda line: 0)
