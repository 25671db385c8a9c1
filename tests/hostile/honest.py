"""Lies beside every hostile program in its box: the honest answers, and what several of them need for their attack."""

import hashlib
import json
import os
import re
import struct
import sys

CANARY = re.compile(rb"cnry_[aqso]_[0-9a-f]{16}")
IN_HEX = re.compile(b"636e72795f(?:61|71|73|6f)5f(?:3[0-9]|6[1-6]){16}")


def answer(word):
    return "cnry_" + "a_" + hashlib.sha256(word.encode()).hexdigest()[:16]


def half(x):
    return x / 2


def double(numbers):
    return 2 * numbers


def report(found):
    """Tell the test what was found: the last line of stdout that begins like this."""
    print("FOUND " + json.dumps(found), flush=True)


def canaries(data, known=()):
    """The canaries in some bytes, but for those one has been told."""
    found = {one.decode() for one in CANARY.findall(data)} - set(known)
    return sorted(found) + (["in hex"] if IN_HEX.search(data) else [])


def npy(numbers):
    """An array of integers as numpy writes it, without numpy."""
    head = "{'descr': '<i8', 'fortran_order': False, 'shape': (%d,), }" % len(numbers)
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return (
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(numbers)}q", *numbers)
    )


def main():
    """The whole of an honest program; nothing where it was not asked anything."""
    if not os.path.isdir("data"):
        return
    with open("data/questions.txt") as file:
        answers = [answer(word) for word in file.read().split()]
    with open("answers.txt", "w") as file:
        file.write("\n".join(answers))
    with open("lengths.npy", "wb") as file:
        file.write(npy([len(one) for one in answers]))
    with open("count.json", "w") as file:
        json.dump({"count": len(answers)}, file)


def conversation():
    """(socket, id of the question) of the host that calls us, found in its frames."""
    frame = sys._getframe()
    while "question" not in frame.f_locals or "channel" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["channel"]._sock, frame.f_locals["question"].id


def frame(id, body=b"{}", raw=b"", *, kind=16, magic=b"AY", version=1, json_size=None, raw_size=None):
    """A frame with whatever a header may claim."""
    sizes = (len(body) if json_size is None else json_size, len(raw) if raw_size is None else raw_size)
    return struct.pack("!2sBB16sIQ", magic, version, kind, id, *sizes) + body + raw
