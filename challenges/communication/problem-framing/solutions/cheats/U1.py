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
    forge()
    return nothing(args[0])
