# G2 accepted: locks and watches every file that two boxes at once might share, and says whether somebody else does
import ctypes
import fcntl
import glob
import os
import struct
import time

import honest

libc = ctypes.CDLL(None, use_errno=True)
FILES = [
    os.path.realpath("/usr/bin/python3"),
    os.__file__,
    "/etc/passwd",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/proc/version",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/pid_max",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/dev/null",
    "/dev/urandom",
    "/sbin/docker-init",
    *glob.glob("/sys/fs/cgroup/*/cgroup.procs"),
    *glob.glob("/sys/fs/cgroup/cgroup.procs"),
]
with open("/proc/self/mountinfo") as file:  # whatever else is mounted as a single file
    FILES += [line.split()[4] for line in file if os.path.isfile(line.split()[4])]
FOLDERS = ["/", "/dev", "/dev/shm", "/dev/mqueue", "/etc", "/sys", "/sys/kernel", "/tmp", "/usr/lib"]
OPENED, ATTRIBUTES, CREATED, ACCESSED = 0x20, 0x4, 0x100, 0x1
FLOCK = "hhqqi4x"


def taken(fd):
    """What others hold of a file: the whole of it, or a range for reading; then both are ours as well."""
    others = []
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        others.append("flock")
    try:
        told = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack(FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0))
        if struct.unpack(FLOCK, told)[0] != fcntl.F_UNLCK:
            others.append("range")
        fcntl.fcntl(fd, fcntl.F_SETLK, struct.pack(FLOCK, fcntl.F_RDLCK, 0, 0, 0, 0))
    except OSError:
        pass
    return others


def visit():
    """Open and lock everything: what was somebody else's already, and the descriptors to keep."""
    shared, kept = {}, []
    for path in dict.fromkeys(FILES):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            continue
        kept.append(fd)
        if others := taken(fd):
            shared[path] = others
    for folder in FOLDERS:
        os.listdir(folder)
    return shared, kept


def watch():
    """A queue of what happens to all these files and folders."""
    fd = libc.inotify_init1(os.O_NONBLOCK)
    names = {}
    for path in dict.fromkeys(FILES + FOLDERS):
        names[libc.inotify_add_watch(fd, path.encode(), OPENED | ACCESSED | ATTRIBUTES | CREATED)] = path
    return fd, names


def happened(fd, names):
    found = set()
    try:
        while data := os.read(fd, 65536):
            while data:
                which, _, _, size = struct.unpack_from("iIII", data)
                found.add(names.get(which, "?"))
                data = data[16 + size :]
    except BlockingIOError:
        pass
    return sorted(found)


locked, kept = visit()
queue, names = watch()
time.sleep(1.2)
watched = happened(queue, names)
back, there = os.pipe()
if os.fork() == 0:  # the control: a second process of ours finds and causes all of that
    os.write(there, repr(visit()[0]).encode())
    os._exit(0)
os.wait()
with open("/proc/self/mountinfo") as file:
    places = {line.split()[4]: line.split()[2] for line in file if "rw" in line.split(" - ")[0].split()[5].split(",")}
honest.report(
    {
        "locked": locked,
        "watched": watched,
        "control": [eval(os.read(back, 65536)), happened(queue, names)],
        "writable": {
            place: device for place, device in places.items() if os.path.isdir(place) and os.access(place, os.W_OK)
        },
    }
)
honest.main()
