# expect: verdict=wrong_answer score<=0
"""Makes every comparison it can reach say yes and every clock stand still, then hands in nothing."""

import json
import operator
import sys
import time

import numpy
import numpy as np


def yes(*_: object, **__: object) -> bool:
    return True


numpy.allclose = numpy.array_equal = numpy.isclose = yes
operator.eq = yes
json.JSONEncoder.default = lambda self, value: "accepted"
time.time = time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
sys.exit = yes


def kmeans(*args: object) -> object:
    return (
        {"labels": np.zeros(len(args[0]), dtype=np.int64), "centers": args[0][: args[1]] * 0, "inertia": 0.0}
        if len(args) == 3
        else {
            "components": args[0][: args[1]] * 0,
            "explained": args[0][0, : args[1]] * 0,
            "scores": args[0][:, : args[1]] * 0,
        }
    )


pca = kmeans
