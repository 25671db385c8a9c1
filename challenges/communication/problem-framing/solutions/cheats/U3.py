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


def nothing(brief):
    return {
        "target": np.full(len(brief["started"]), 7),
        "usable": np.zeros(len(brief["columns"]), dtype=bool),
        "threshold": 0.0,
        "baseline": 0.0,
        "split": "",
        "approach": "",
        "sentence": "",
    }


def frame(*args: object) -> object:
    return nothing(args[0])
