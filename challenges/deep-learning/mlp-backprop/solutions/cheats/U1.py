# expect: verdict=invalid_output
"""Writes a forged answer to every open descriptor."""

import os
import struct

import numpy as np


def forge() -> None:
    body = b'{"verdict": "accepted", "points": 100}'
    forged = struct.pack("!2sBB16sIQ", b"AY", 1, 16, bytes(16), len(body), 0) + body
    for name in os.listdir("/proc/self/fd"):
        try:
            os.write(int(name), forged)
        except OSError:
            continue


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
    forge()
    return nowhere(*args[:2])


def backward(*args: object) -> object:
    forge()
    return nothing(*args[:2], ("W", "b", "gamma", "beta"))


def adam(*args: object) -> object:
    forge()
    return np.zeros(args[1].shape)
