"""The outline of an exception that may be told of a hidden run: nearest built-in class and a line; never its text."""

import builtins
from typing import Any


def describe(error: BaseException, filename: str) -> dict[str, Any]:
    """{"type": nearest built-in exception class, "line": last line of `filename` in the traceback, or None}."""
    name = next(one.__name__ for one in type(error).__mro__ if getattr(builtins, one.__name__, None) is one)
    line = None
    if isinstance(error, SyntaxError):
        line = error.lineno
    trail = error.__traceback__
    while trail is not None:
        if trail.tb_frame.f_code.co_filename.endswith(filename):
            line = trail.tb_lineno
        trail = trail.tb_next
    return {"type": name, "line": line}
