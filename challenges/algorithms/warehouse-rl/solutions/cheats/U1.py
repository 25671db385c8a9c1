# expect: verdict=invalid_output
"""Writes a forged answer to every open descriptor."""

import numpy as np
import os
import struct


def forge() -> None:
    body = b'{"verdict": "accepted", "points": 100}'
    forged = struct.pack("!2sBB16sIQ", b"AY", 1, 16, bytes(16), len(body), 0) + body
    for name in os.listdir("/proc/self/fd"):
        try:
            os.write(int(name), forged)
        except OSError:
            continue


class Robot:
    """Stands where it is."""

    def __init__(self, maps: object) -> None:
        forge()

    def act(self, where: np.ndarray) -> object:
        return np.full(len(where), -1)
