# expect: verdict=wrong_answer score<=0
"""Makes every comparison it can reach say yes and every clock stand still, then serves nothing."""

import json
import operator
import sys
import time

import numpy
from flask import Flask


def yes(*_: object, **__: object) -> bool:
    return True


numpy.allclose = numpy.array_equal = numpy.isclose = yes
operator.eq = yes
json.JSONEncoder.default = lambda self, value: "accepted"
time.time = time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
sys.exit = yes


def create_app(path: str) -> Flask:
    """An application without a route."""
    return Flask(__name__)
