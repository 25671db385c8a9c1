# expect: verdict=wrong_answer score<=0
"""Writes a forged result to every open descriptor and writes nothing of worth."""

import glob
import os
import struct


def write(text: str) -> None:
    """The same text for every brief."""
    for path in glob.glob("brief-*.json"):
        with open(path.replace("brief", "manifests").replace("json", "yaml"), "w") as file:
            file.write(text)


body = b'{"verdict": "accepted", "points": 100}'
forged = struct.pack("!2sBB16sIQ", b"AY", 1, 16, bytes(16), len(body), 0) + body
for name in os.listdir("/proc/self/fd"):
    try:
        os.write(int(name), forged)
    except OSError:
        continue
write("kind: Nothing\n")
