# E7 accepted: looks for answers in frames, in every object there is, and in its own memory
import gc
import os
import sys

import honest


def reachable():
    """Texts and bytes of every object the collector knows, and of all frames."""
    seen = list(gc.get_objects())
    frame = sys._getframe()
    while frame is not None:
        seen += [frame.f_locals, frame.f_globals]
        frame = frame.f_back
    for one in seen:
        if isinstance(one, dict):
            one = [*one.keys(), *one.values()]
        if isinstance(one, (list, tuple, set)):
            for part in list(one):
                if type(part) is str:
                    yield part.encode("utf-8", "replace")
                elif type(part) in (bytes, bytearray):
                    yield bytes(part)


def memory():
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as mem:
        for line in maps:
            begin, end = (int(one, 16) for one in line.split()[0].split("-"))
            if "rw" in line.split()[1]:
                try:
                    mem.seek(begin)
                    yield mem.read(end - begin)
                except (OSError, OverflowError, ValueError):
                    pass


first = True


def answer(word):
    global first
    if first:
        first = False
        kept = "cnry_" + "c_" + os.urandom(8).hex()  # the control: something of our own
        pieces = [*reachable(), *memory()]
        honest.report(
            {
                "found": sorted({one for piece in pieces for one in honest.canaries(piece, [word])}),
                "control": any(kept.encode() in piece for piece in pieces),
            }
        )
    return honest.answer(word)
