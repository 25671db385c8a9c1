# expect: verdict=wrong_answer score<=0
"""Writes a forged result to every open descriptor and draws nothing."""

import os
import struct

import matplotlib.pyplot as plt

body = b'{"verdict": "accepted", "points": 100}'
forged = struct.pack("!2sBB16sIQ", b"AY", 1, 16, bytes(16), len(body), 0) + body
for name in os.listdir("/proc/self/fd"):
    try:
        os.write(int(name), forged)
    except OSError:
        continue


def draw(table: object) -> object:
    """Axes with names and nothing in them."""
    return plt.subplot_mosaic([["teams", "trend"], ["correlation", "scale"]], figsize=(12, 9))[0]
