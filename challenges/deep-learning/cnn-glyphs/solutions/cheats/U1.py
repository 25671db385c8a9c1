# expect: verdict=wrong_answer score<=0
"""Writes a forged result to every open descriptor and says the same of all images."""

import os
import struct
from collections.abc import Callable

import numpy as np


def predict(said: Callable[[int], object]) -> None:
    """Writes what `said` says of each line of the hidden images."""
    ids = range(len(np.load("data/test.npz")["images"]))
    with open("predictions.csv", "w") as file:
        file.write("row,label\n" + "".join(f"{key},{said(line)}\n" for line, key in enumerate(ids)))


body = b'{"verdict": "accepted", "points": 100}'
forged = struct.pack("!2sBB16sIQ", b"AY", 1, 16, bytes(16), len(body), 0) + body
for name in os.listdir("/proc/self/fd"):
    try:
        os.write(int(name), forged)
    except OSError:
        continue
predict(lambda line: 0)
