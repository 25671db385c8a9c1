# G2 accepted: locks files that two boxes at once might share, and says whether it got them
import fcntl
import glob
import os
import time

import honest

FILES = [
    os.path.realpath("/usr/bin/python3"),
    os.__file__,
    "/etc/passwd",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/proc/self/mounts",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/dev/null",
    "/dev/zero",
    "/sbin/docker-init",
    *glob.glob("/usr/lib/python3/dist-packages/*/__init__.py")[:20],
]
LOCKS = {"flock": fcntl.flock, "lockf": fcntl.lockf}


def take():
    """Which locks could be had, and what keeps them."""
    got, kept = {}, []
    for path in FILES:
        try:
            fd = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        kept.append(fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            got[path] = True
        except OSError:
            got[path] = False
    return got, kept


got, kept = take()
control = {}
pipe, there = os.pipe()
if os.fork() == 0:  # the control: a second process of ours cannot have the same locks
    os.write(there, repr(take()[0]).encode())
    os._exit(0)
os.wait()
control = eval(os.read(pipe, 65536))
with open("/proc/self/mountinfo") as file:
    places = {line.split()[4]: line.split()[2] for line in file if " rw" in line.split(" - ")[0]}
writable = {place: device for place, device in places.items() if os.path.isdir(place) and os.access(place, os.W_OK)}
honest.report({"got": got, "control": control, "writable": writable, "until": time.time() + 2})
time.sleep(2)
honest.main()
