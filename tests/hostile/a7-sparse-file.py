# A7 accepted: a file of a terabyte, once with a hole and once with all its blocks asked for
import errno
import os
import signal

import honest

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
TERABYTE = 2**40
found = {}
for folder in ("/tmp", "/dev/shm"):
    fd = os.open(f"{folder}/huge", os.O_RDWR | os.O_CREAT)
    for name, act in (
        ("hole", lambda fd=fd: os.ftruncate(fd, TERABYTE)),
        ("blocks", lambda fd=fd: os.posix_fallocate(fd, 0, TERABYTE)),
        ("far away", lambda fd=fd: os.pwrite(fd, b"x", TERABYTE)),
    ):
        try:
            act()
            found[f"{folder} {name}"] = "done"
        except OSError as error:
            found[f"{folder} {name}"] = errno.errorcode[error.errno]
    os.close(fd)
    os.unlink(f"{folder}/huge")
honest.report(found)
honest.main()
