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


def nothing(layers, x, names):
    """Zeros in the shape of whatever is asked for."""
    found = {"x": np.zeros(np.shape(x))}
    for number, layer in enumerate(layers):
        found |= {f"{number}.{name}": np.zeros(layer[name].shape) for name in names if name in layer}
    return found


def nowhere(layers, x):
    """Zeros in the shape of the output."""
    wide = [layer["W"].shape[1] for layer in layers if "W" in layer]
    found = nothing(layers, x, ("mean", "var"))
    return {"out": np.zeros((len(x), wide[-1] if wide else x.shape[1]))} | {n: v for n, v in found.items() if n != "x"}


def forward(*args: object) -> object:
    return nowhere(*args[:2])


def backward(*args: object) -> object:
    return nothing(*args[:2], ("W", "b", "gamma", "beta"))


def adam(*args: object) -> object:
    return np.zeros(args[1].shape)
