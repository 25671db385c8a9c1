"""Turns the engine's attach stream into the shim's records; believes nothing and holds at most one record."""

from __future__ import annotations

from collections.abc import Iterator

RECORD_CAP = 1 << 17
"""The shim sends at most 64 KB a record; more is not the shim speaking."""


class BadRecord(ValueError):
    """The bytes on the box's stdout are no record."""


def record(kind: bytes, data: bytes) -> bytes:
    """A record for the shim: kind, length, bytes."""
    return kind + len(data).to_bytes(4, "big") + data


def streams(buffer: bytearray, data: bytes) -> Iterator[tuple[int, bytes]]:
    """(stream number, bytes) of what the engine's attach stream has delivered whole; the rest stays in the buffer.

    The engine's own framing: stream number (1 stdout, 2 stderr), three zero bytes, length.
    """
    buffer += data
    while len(buffer) >= 8:
        size = int.from_bytes(buffer[4:8], "big")
        if len(buffer) < 8 + size:
            return
        stream, payload = buffer[0], bytes(buffer[8 : 8 + size])
        del buffer[: 8 + size]
        yield stream, payload


class Records:
    """Feed it what the attach socket delivers; it yields (kind, bytes), and (b"!", bytes) for the box's raw stderr."""

    def __init__(self) -> None:
        self._stream = bytearray()
        self._partial = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Records completed by `data`. Raises BadRecord."""
        for stream, payload in streams(self._stream, data):
            if stream == 1:
                yield from self._split(payload)
            else:
                yield b"!", payload

    def _split(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        self._partial += data
        while len(self._partial) >= 5:
            size = int.from_bytes(self._partial[1:5], "big")
            if size > RECORD_CAP:
                raise BadRecord(f"a record of {size} bytes")
            if len(self._partial) < 5 + size:
                return
            kind, payload = bytes(self._partial[:1]), bytes(self._partial[5 : 5 + size])
            del self._partial[: 5 + size]
            yield kind, payload
