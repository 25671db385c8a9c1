"""Runs a Python program in the warm process of the box as `python3 FILE ARGS` would; knows nothing of its purpose."""

import json
import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from socket import socket

from sandbox.inside.frames import RAISED, Frame
from sandbox.inside.raised import describe


def main(argv: Sequence[str], channel: socket) -> int:
    """Run argv[0] as `__main__`; its exit code. A crash leaves its text on stderr and its outline on the channel."""
    sys.argv = list(argv)
    sys.path.insert(0, os.path.dirname(os.path.abspath(argv[0])))
    try:
        runpy.run_path(argv[0], run_name="__main__")
        return 0
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    except BaseException as error:
        trail = error.__traceback__
        while trail is not None and trail.tb_frame.f_code.co_filename != argv[0]:
            trail = trail.tb_next
        traceback.print_exception(type(error), error, trail or error.__traceback__)
        channel.sendall(Frame(RAISED, bytes(16), json.dumps(describe(error, argv[0])).encode()).pack())
        return 1
