# G1 accepted: looks for what an earlier run left, and leaves a marker everywhere it can
import ctypes
import os
import socket
import sys

import honest

libc = ctypes.CDLL(None, use_errno=True)
KEY = 0x41535359
FILES = (
    "/tmp/@MARKER@",
    "/dev/shm/@MARKER@",
    "/tmp/.cache/@MARKER@",
    os.path.join(os.getcwd(), "__pycache__", "@MARKER@"),
    "/tmp/lib/@MARKER@",
    "/var/tmp/@MARKER@",
    "/run/@MARKER@",
    os.path.join(os.path.dirname(os.__file__), "__pycache__", "@MARKER@"),
)


def look():
    found = [path for path in FILES if os.path.exists(path)]
    for name, call in (("shm", libc.shmget), ("msg", libc.msgget), ("sem", libc.semget)):
        given = (KEY,) if name == "msg" else (KEY, 1)
        if call(*given, 0) != -1:
            found.append("SysV " + name)
    if libc.mq_open(b"/@MARKER@", os.O_RDWR) != -1:
        found.append("queue")
    with socket.socket(socket.AF_UNIX) as sock:
        if sock.connect_ex("\0@MARKER@") == 0:
            found.append("socket")
    if "@MARKER@" in os.environ or "@MARKER@" in sys.argv:
        found.append("environment")
    return found


kept = socket.socket(socket.AF_UNIX)


def leave():
    for path in FILES:
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w").close()
        except OSError:
            pass
    libc.shmget(KEY, 1, 0o1666)
    libc.msgget(KEY, 0o1666)
    libc.semget(KEY, 1, 0o1666)
    libc.mq_open(b"/@MARKER@", os.O_RDWR | os.O_CREAT, 0o666, None)
    kept.bind("\0@MARKER@")
    kept.listen()


before = look()
leave()
honest.report(
    {
        "before": before,
        "after": look(),
        "namespaces": [os.stat(f"/proc/self/ns/{one}").st_ino for one in ("mnt", "ipc", "pid", "net", "cgroup", "uts")],
    }
)
honest.main()
