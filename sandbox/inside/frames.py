"""The frame: one question or answer on a byte stream; reads the fixed header only and knows nothing of what is inside.

Header, 32 bytes, network order: magic `AY`, version, kind, 16 bytes request id, length of the JSON part (u32), length
of the raw part (u64). An answer repeats the id of its question.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

HEADER = struct.Struct("!2sBB16sIQ")
MAGIC = b"AY"
VERSION = 1

# worker to submission, and back: a call and its value, an exception's outline, or a result that is not plain data
CALL = 1
VALUE, RAISED, UNFIT = 16, 17, 18
# worker to relay, which answers with a value: requests to send to the service; wait until it is ready
HTTP, READY = 2, 3
# worker to grader: make the data; grade; an answer to what the grader asked; this group's budget is spent; stop
PREPARE, GRADE, REPLY, OVERRUN, STOP = 32, 33, 34, 35, 36
# grader to worker: things to ask (begin a group of calls, call, run; start a service, send to it, wait until it is
# ready, stop it; the submitted files; the cpu time used) and five ways to end
GROUP, ASK_CALL, ASK_RUN = 48, 49, 50
ASK_SERVE, ASK_HTTP, ASK_READY, ASK_STOP = 51, 52, 53, 54
ASK_FILES, ASK_CLOCK = 55, 56
PREPARED, SCORED, INVALID, FAULT, STOPPED = 64, 65, 66, 67, 68


class BadFrame(ValueError):
    """The bytes are no frame, or a larger one than was agreed."""


@dataclass(frozen=True)
class Frame:
    """One frame: its kind, the id of the request it belongs to, a JSON part and a raw part, both unread."""

    kind: int
    id: bytes
    json: bytes
    raw: bytes = b""

    def pack(self) -> bytes:
        """The frame as bytes."""
        return HEADER.pack(MAGIC, VERSION, self.kind, self.id, len(self.json), len(self.raw)) + self.json + self.raw


def header(data: bytes, cap: int) -> tuple[int, bytes, int, int]:
    """(kind, id, JSON length, raw length) of a header, refused before anything is allocated if over `cap` bytes.

    Raises BadFrame.
    """
    magic, version, kind, id, json_size, raw_size = HEADER.unpack(data)
    if magic != MAGIC or version != VERSION:
        raise BadFrame("not a frame")
    if json_size + raw_size > cap:
        raise BadFrame("the frame is larger than the cap")
    return kind, id, json_size, raw_size


def read(receive: Callable[[int], bytes], cap: int) -> Frame:
    """The next frame, where `receive(n)` returns exactly n bytes. Raises BadFrame and what `receive` raises."""
    kind, id, json_size, raw_size = header(receive(HEADER.size), cap)
    return Frame(kind, id, receive(json_size), receive(raw_size))
