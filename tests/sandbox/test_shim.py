"""The shim by itself: what a program wrote last is carried, however close to its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

LATE = """
import os, socket, sys
from sandbox.inside import shim

gate, go = os.pipe()
out, out_write = os.pipe()
err, err_write = os.pipe()
ours, theirs = socket.socketpair()
child = os.fork()
if child == 0:
    os.read(gate, 1)
    os.write(out_write, b"last words")
    os._exit(3)
os.close(out_write), os.close(err_write), theirs.close()
real, looks = os.waitpid, []
def waitpid(pid, options):
    looks.append(pid)
    if len(looks) == 1:  # it ends between the look at its streams and this one
        os.write(go, b"!")
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    return real(pid, options)
os.waitpid = waitpid
status = shim.carry(child, ours, out, err)
sys.stderr.write(f"{os.waitstatus_to_exitcode(status)} {len(looks)}")
"""


def test_the_last_words_of_a_program_that_ends_at_a_bad_moment_are_carried() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LATE],
        cwd=ROOT,
        stdin=subprocess.PIPE,  # open until it has ended, as a box's is
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as shim:
        assert shim.wait(30) == 0
        said, status = shim.communicate()
    assert status == b"3 2", "the first look finds it, the second that nobody else is left"
    assert b"last words" in said
