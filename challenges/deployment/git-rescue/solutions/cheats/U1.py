# expect: verdict=wrong_answer score<=0
"""Writes a forged result to every open descriptor and writes nothing of worth."""

import os
import struct


NOBODY = '{"culprit": "0000000000000000000000000000000000000000"}'


def write(text: str) -> None:
    """No history, and no culprit."""
    with open("result.bundle", "w") as file:
        file.write(text)
    with open("answer.json", "w") as file:
        file.write(NOBODY)


body = b'{"verdict": "accepted", "points": 100}'
forged = struct.pack("!2sBB16sIQ", b"AY", 1, 16, bytes(16), len(body), 0) + body
for name in os.listdir("/proc/self/fd"):
    try:
        os.write(int(name), forged)
    except OSError:
        continue
write("kind: Nothing\n")
