"""One call of a submitted function as it travels: a question to the worker, an answer read strictly; it judges none."""

from collections.abc import Sequence
from typing import Any

from challenges.kit.errors import GraderError, InvalidOutput
from challenges.kit.line import Line
from sandbox.inside import frames, values


class Overrun(Exception):
    """The budget of the group is spent."""


def one_call(line: Line, submit: str, function: str, args: Sequence[Any], **more: int) -> Any:
    """What the function returned; `more` says which object it belongs to, or under which number to keep what it makes.

    Raises:
        GraderError: an argument cannot travel.
        InvalidOutput: the answer cannot be read.
        Overrun: there is no answer, because the group's own budget is spent.
    """
    try:
        asked = values.encode({"file": submit, "function": function, "args": list(args), **more})
    except values.BadValue as error:
        raise GraderError(f"an argument of {function} cannot travel: {error}") from error
    reply = line.ask(frames.ASK_CALL, *asked)
    if reply.kind == frames.OVERRUN:
        raise Overrun
    try:
        return values.decode(reply.json, reply.raw)
    except values.BadValue as error:
        raise InvalidOutput(f"{function} returned something unreadable: {error}") from error
