# expect: verdict=invalid_output
"""Writes a forged answer to every open descriptor."""

import os
import struct

import numpy as np


def kmeans(*args: object) -> object:
    body = b'{"verdict": "accepted", "points": 100}'
    forged = struct.pack("!2sBB16sIQ", b"AY", 1, 16, bytes(16), len(body), 0) + body
    for name in os.listdir("/proc/self/fd"):
        try:
            os.write(int(name), forged)
        except OSError:
            continue
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
