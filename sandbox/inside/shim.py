"""The first process of a box: unpacks the job, imports its modules, starts the submission and carries its streams.

It knows no secret and nothing it says is a fact: once the submission runs, it has the submission's powers and no more.

Streams are records on stdin and stdout: one byte kind, four bytes length (network order), then the bytes.
To the box: J (what to import), A (are you there?), S (start: 4 bytes length, JSON, then the files), C (bytes for the
submission's channel).
From the box: R (ready), A (still there), C (bytes of its channel), O and E (its stdout and stderr), F (part of an
output file), X (its end).
"""

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import stat
import sys
from typing import Any

CHUNK = 65536
LIBRARY = "/tmp/lib"
WORK = "/tmp/work"


def read_exactly(fd: int, size: int) -> bytes:
    """`size` bytes of a descriptor; the end of the stream ends the box."""
    parts = []
    while size:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_record(fd: int) -> tuple[bytes, bytes]:
    """(kind, bytes) of the next record."""
    head = read_exactly(fd, 5)
    return head[:1], read_exactly(fd, int.from_bytes(head[1:], "big"))


def write_record(kind: bytes, data: bytes) -> None:
    """Send one record to the supervisor."""
    view = memoryview(kind + len(data).to_bytes(4, "big") + data)
    while view:
        view = view[os.write(1, view) :]


def set_dumpable(on: bool) -> None:
    """Whether same-user processes may look into this one; off in the shim, so that nobody picks up its streams."""
    ctypes.CDLL(None).prctl(4, int(on), 0, 0, 0)


def lay_out(root: str, entries: list[tuple[str, int]], data: bytes, at: int) -> int:
    """Write files given as [name, size] one behind the other; returns where the last one ended."""
    for name, size in entries:
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data[at : at + size])
        at += size
    return at


def become_submission(start: dict[str, Any], channel: socket.socket, out: int, err: int) -> int:
    """In the forked child: own session, own streams, first to be killed for memory; then the entry or the program."""
    os.setsid()
    set_dumpable(True)
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    null = os.open("/dev/null", os.O_RDONLY)
    for fd, place in ((null, 0), (out, 1), (err, 2)):
        os.dup2(fd, place)
    keep = channel.fileno()
    os.set_inheritable(keep, False)
    os.closerange(3, keep)
    os.closerange(keep + 1, 256)
    os.chdir(WORK)
    if start["entry"]:
        sys.argv = [start["entry"]]
        importlib.import_module(start["entry"]).main(channel)
        return 0
    argv = start["argv"]
    if os.path.basename(argv[0]) in ("python", "python3") and len(argv) > 1 and not argv[1].startswith("-"):
        importlib.import_module("sandbox.inside.program").main(argv[1:], channel)
    channel.close()
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        print(f"{argv[0]}: {error.strerror}", file=sys.stderr)
        return 127


def told_of_ends() -> int:
    """A descriptor that has something to read when a child may have ended; once at the beginning, too.

    Not a pidfd, which gVisor does not have.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    os.write(write, b"?")
    return read


def bury(child: int) -> int | None:
    """The status of the child once it has ended; reaps what the submission orphaned, which a first process inherits."""
    status = None
    try:
        while True:
            who, how = os.waitpid(-1, os.WNOHANG)
            if not who:
                return status
            if who == child:
                status = how
    except ChildProcessError:
        return status  # none is left


def carry(child: int, channel: socket.socket, out: int, err: int) -> int:
    """Carry bytes between the supervisor and the child until the child has ended and its streams are empty."""
    ended = told_of_ends()
    waiting = b""
    sources = {out: b"O", err: b"E", channel.fileno(): b"C"}
    channel.setblocking(False)
    poll = select.poll()
    for fd in (*sources, ended):
        poll.register(fd, select.POLLIN)
    listening = False
    status = None
    while True:
        if not waiting and not listening and status is None:
            poll.register(0, select.POLLIN)
            listening = True
        ready = dict(poll.poll(0 if status is not None else None))
        moved = False
        for fd, kind in list(sources.items()):
            if ready.get(fd, 0) & (select.POLLIN | select.POLLHUP | select.POLLERR):
                try:
                    data = os.read(fd, CHUNK)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                if data:
                    moved = True
                    write_record(kind, data)
                else:
                    poll.unregister(fd)
                    del sources[fd]
        if 0 in ready and status is None:
            kind, data = read_record(0)
            if kind == b"C":
                waiting += data
            poll.unregister(0)
            listening = False
        if waiting and channel.fileno() in sources:
            try:
                sent = channel.send(waiting)
                waiting = waiting[sent:]
            except BlockingIOError:
                pass
            except OSError:
                waiting = b""
            if channel.fileno() in sources:
                poll.modify(channel.fileno(), select.POLLIN | (select.POLLOUT if waiting else 0))
        if ended in ready and status is None:
            os.read(ended, CHUNK)
            status = bury(child)
            if status is not None:
                moved = True  # look once more: what it wrote last may be younger than this look
                poll.unregister(ended)
                if listening:
                    poll.unregister(0)
        if status is not None and not moved:
            return status


def send_file(index: int, name: str) -> None:
    """Send one output file if it is a regular file reached without a link."""
    try:
        fd = os.open(os.path.join(WORK, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    while stat.S_ISREG(os.fstat(fd).st_mode):
        data = os.read(fd, CHUNK)
        write_record(b"F", bytes([index]) + data)
        if not data:
            break
    os.close(fd)


def main() -> int:
    """Serve one job, then wait for the supervisor to end the box: the facts are read while it lives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_dumpable(False)
    sys.path.append(LIBRARY)
    missing = []
    for module in json.loads(read_record(0)[1])["modules"]:
        try:
            importlib.import_module(module)
        except Exception as error:  # reported to the operator: the runtime lacks what the challenge declares
            missing.append(f"{module}: {type(error).__name__}: {error}"[:300])
    gc.collect()
    gc.freeze()  # no collection in the submission's process goes through, and so copies, what was imported here
    write_record(b"R", json.dumps({"missing": missing}).encode())
    kind, data = read_record(0)
    while kind == b"A":  # a box that was made ahead may wait here for minutes
        write_record(b"A", b"")
        kind, data = read_record(0)
    size = int.from_bytes(data[:4], "big")
    start = json.loads(data[4 : 4 + size])
    os.makedirs(WORK)
    at = lay_out(LIBRARY, start["library"], data, 4 + size)
    lay_out(WORK, start["files"], data, at)
    importlib.invalidate_caches()  # the library was looked for before it existed
    del data

    ours, theirs = socket.socketpair()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    child = os.fork()
    if child == 0:
        ours.close()
        return become_submission(start, theirs, out_write, err_write)
    for one in (out_write, err_write):
        os.close(one)
    theirs.close()
    status = carry(child, ours, out_read, err_read)
    code = os.waitstatus_to_exitcode(status)
    for index, name in enumerate(start["outputs"]):
        send_file(index, name)
    write_record(b"X", json.dumps({"exit": code} if code >= 0 else {"signal": -code}).encode())
    while True:
        read_record(0)


if __name__ == "__main__":
    sys.exit(main())
