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


def train_predict(*args: object) -> object:
    forge()
    return np.zeros(len(args[2]), dtype=np.int64)
