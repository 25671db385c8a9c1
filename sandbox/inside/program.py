"""Runs a Python program in the warm process of the box as `python3 FILE ARGS` would, and a notebook likewise; knows
nothing of its purpose.
"""

import atexit
import gc
import io
import json
import linecache
import os
import runpy
import sys
import threading
import traceback
import types
from collections.abc import Sequence
from contextlib import suppress
from socket import socket
from typing import NoReturn

from sandbox.inside.frames import RAISED, Frame
from sandbox.inside.notebook import SUFFIX, program
from sandbox.inside.raised import describe

FILES = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


def main(argv: Sequence[str], channel: socket) -> NoReturn:
    """Run argv[0] as `__main__` and end. A crash leaves its text on stderr and its outline on the channel."""
    before = frozenset(sys.modules)
    end(run(argv, channel), before)


def run(argv: Sequence[str], channel: socket) -> int:
    """The exit code of argv[0]."""
    sys.argv = list(argv)
    sys.path.insert(0, os.path.dirname(os.path.abspath(argv[0])))
    try:
        if argv[0].endswith(SUFFIX):
            _run_notebook(argv[0])
        else:
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


def _run_notebook(path: str) -> None:
    with open(path, "rb") as file:
        source = program(file.read())
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)  # for the traceback
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=path, display=print)
    sys.modules["__main__"] = main
    exec(compile(source, path, "exec"), main.__dict__)


def end(code: int, before: frozenset[str]) -> NoReturn:
    """End as the interpreter does, but leave alone what was imported before: taking scikit-learn down costs 0.2 s.

    So threads are waited for, exit functions run, files are written out, and what the program made is freed.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            try:
                stream.flush()
            except OSError:
                code = 120  # what the interpreter says then
    # first, because a collection may close a file's buffer before the file has written into it
    for file in [one for one in gc.get_objects() if type(one) in FILES]:
        with suppress(ValueError, OSError):  # closed, or full
            file.flush()
    for name in [name for name in sys.modules if name not in before]:
        del sys.modules[name]
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):
            stream.flush()  # what finalisers said
    os._exit(code & 0xFF)
