"""The submission's or grader's end of the frame channel; knows no kind of frame."""

from socket import socket

from sandbox.inside import frames
from sandbox.inside.frames import Frame

CAP = 1 << 31
"""What the worker may send; it keeps its own, smaller caps."""


class Channel:
    """Whole frames over a connected socket."""

    def __init__(self, sock: socket) -> None:
        self._sock = sock

    def read(self) -> Frame:
        """The next frame. Raises EOFError when the worker has closed the channel."""
        return frames.read(self._receive, CAP)

    def write(self, frame: Frame) -> None:
        """Send one frame."""
        self._sock.sendall(frame.pack())

    def _receive(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._sock.recv(min(size, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
