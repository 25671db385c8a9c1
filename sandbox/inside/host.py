"""Serves calls into a participant's module inside the box; knows no case beyond the one it was asked."""

import importlib.util
import json
import sys
import traceback
from socket import socket
from types import ModuleType
from typing import Any

from sandbox.inside import frames, values
from sandbox.inside.channel import Channel
from sandbox.inside.raised import describe


def main(sock: socket) -> None:
    """Load the module named by the first call and answer calls until the channel closes."""
    channel = Channel(sock)
    module: ModuleType | None = None
    kept: dict[int, Any] = {}
    while True:
        try:
            question = channel.read()
        except EOFError:
            return
        asked = values.decode(question.json, question.raw)
        try:
            if module is None:
                module = load(asked["file"])
            target = kept[asked["on"]] if "on" in asked else module
            result = getattr(target, asked["function"])(*asked["args"])
            if "keep" in asked:
                kept[asked["keep"]], result = result, None
        except SystemExit:
            raise
        except BaseException as error:
            traceback.print_exc()
            kind, parts = frames.RAISED, (json.dumps(describe(error, asked["file"])).encode(), b"")
        else:
            kind, parts = answer(result)
        sys.stdout.flush()
        sys.stderr.flush()
        channel.write(frames.Frame(kind, question.id, *parts))


def answer(result: Any) -> tuple[int, tuple[bytes, bytes]]:
    """The kind of frame and its two parts that carry a result."""
    try:
        return frames.VALUE, values.encode(result)
    except values.BadValue as error:
        return frames.UNFIT, (json.dumps({"reason": str(error)}).encode(), b"")


def load(filename: str) -> ModuleType:
    """The participant's module, importable by its own name and able to import the files beside it."""
    sys.path.insert(0, "")
    name = filename.removesuffix(".py")
    spec = importlib.util.spec_from_file_location(name, filename)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
