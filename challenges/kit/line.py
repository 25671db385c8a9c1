"""The grader's lock-step conversation with the worker; knows the frames that end it and no question of its own."""

from challenges.kit.errors import SubmissionEnded
from sandbox.inside import frames
from sandbox.inside.channel import Channel
from sandbox.inside.frames import Frame


class Line:
    """The lock-step conversation with the worker: one frame there, one frame back."""

    def __init__(self, channel: Channel, opened_by: Frame) -> None:
        self._channel = channel
        self._id = opened_by.id

    def say(self, kind: int, body: bytes = b"{}", raw: bytes = b"") -> None:
        """Answer the worker's last frame."""
        self._channel.write(Frame(kind, self._id, body, raw))

    def ask(self, kind: int, body: bytes, raw: bytes = b"") -> Frame:
        """Answer the worker's last frame with a question. Raises SubmissionEnded when there is nothing left to ask."""
        self.say(kind, body, raw)
        reply: Frame = self._channel.read()
        self._id = reply.id
        if reply.kind == frames.STOP:
            raise SubmissionEnded
        return reply
