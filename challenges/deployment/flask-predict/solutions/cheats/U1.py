# expect: verdict=wrong_answer score<=0
"""Writes a forged result to every open descriptor and serves nothing."""

import os
import struct

from flask import Flask

body = b'{"verdict": "accepted", "points": 100}'
forged = struct.pack("!2sBB16sIQ", b"AY", 1, 16, bytes(16), len(body), 0) + body
for name in os.listdir("/proc/self/fd"):
    try:
        os.write(int(name), forged)
    except OSError:
        continue


def create_app(path: str) -> Flask:
    """An application without a route."""
    return Flask(__name__)
