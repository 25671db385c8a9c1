# expect: verdict=invalid_output
"""Writes a forged answer to every open descriptor."""

import json
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


def nothing(table):
    """The first values of the first columns, and numbers from nowhere."""
    names = sorted(table)
    return json.dumps(
        [
            {"where": {names[0]: table[names[0]][0], name: table[name][0]}, "count": 0, "rate": 0, "sentence": ""}
            for name in names[1:4]
        ]
    )


def slices(*args: object) -> object:
    forge()
    return nothing(args[0])
