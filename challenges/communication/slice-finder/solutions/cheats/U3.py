# expect: verdict=wrong_answer score<=0
"""Makes every comparison it can reach say yes and every clock stand still, then hands in nothing."""

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


def nothing(table):
    """The first values of the first columns, and numbers from nowhere."""
    names = sorted(table)
    return json.dumps(
        [
            {"where": {names[0]: table[names[0]][0], name: table[name][0]}, "count": 0, "rate": 0, "sentence": ""}
            for name in names[1:4]
        ]
    )


def slices(*args: object) -> object:
    return nothing(args[0])
