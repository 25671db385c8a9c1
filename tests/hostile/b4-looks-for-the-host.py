# B4 accepted: looks for the engine's socket, mounts of the host, devices and the kernel's memory
import errno
import os
import stat

import honest


def outcome(act):
    try:
        return act() or "done"
    except OSError as error:
        return errno.errorcode[error.errno]


def readable(path):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return "read" if os.read(fd, 8192) else "empty"
    finally:
        os.close(fd)


def sockets():
    """Sockets of engines and other servers, anywhere they could be reached."""
    found = []
    for top in ("/run", "/var", "/tmp", "/dev", "/etc", "/home", "/root", "/opt", "/srv", "/mnt", "/media"):
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                if stat.S_ISSOCK(os.lstat(path).st_mode):
                    found.append(path)
    return found


with open("/proc/self/mountinfo") as file:
    rows = [line.split(" - ") for line in file]
mounts = sorted({(left.split()[4], right.split()[0]) for left, right in rows})
kinds = {stat.S_IFBLK: "b", stat.S_IFCHR: "c"}
devices = sorted(
    kinds[stat.S_IFMT(os.stat("/dev/" + name).st_mode)] + " " + name
    for name in os.listdir("/dev")
    if os.path.exists("/dev/" + name) and stat.S_IFMT(os.stat("/dev/" + name).st_mode) in kinds
)
honest.report(
    {
        "sockets": sockets(),
        "mounts": mounts,
        "devices": devices,
        "kernel": {
            path: outcome(lambda path=path: readable(path))
            for path in ("/proc/kcore", "/dev/kmsg", "/proc/kmsg", "/dev/mem", "/proc/keys", "/proc/timer_list")
        },
        "mknod block": outcome(lambda: os.mknod("/tmp/disk", 0o600 | stat.S_IFBLK, os.makedev(8, 0))),
        "mknod character": outcome(lambda: os.mknod("/tmp/mem", 0o600 | stat.S_IFCHR, os.makedev(1, 1))),
    }
)
honest.main()
