# B5 accepted: opens files of the kernel for writing, by which a box would reach its host
import errno
import glob
import os

import honest

PROC = os.environ.get("PROC", "/proc")  # elsewhere for the control
PLACES = [
    f"{PROC}/sys/kernel/core_pattern",
    f"{PROC}/sys/kernel/hostname",
    f"{PROC}/sys/kernel/modprobe",
    f"{PROC}/sys/vm/overcommit_memory",
    f"{PROC}/sys/net/ipv4/ip_forward",
    f"{PROC}/sysrq-trigger",
    "/sys/kernel/uevent_helper",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    *glob.glob("/sys/fs/cgroup/**/cgroup.procs", recursive=True),
    *glob.glob("/sys/fs/cgroup/**/memory.*max*", recursive=True),
    *glob.glob("/sys/fs/cgroup/**/memory.limit_in_bytes", recursive=True),
    *glob.glob("/sys/fs/cgroup/**/pids.max", recursive=True),
    *glob.glob("/sys/fs/cgroup/**/release_agent", recursive=True),
]
found = {}
for path in PLACES:
    try:
        os.close(os.open(path, os.O_WRONLY))
        found[path] = "open"
    except OSError as error:
        found[path] = errno.errorcode[error.errno]
try:
    os.mkdir("/sys/fs/cgroup/mine")
    os.rmdir("/sys/fs/cgroup/mine")
    found["a group of its own"] = "made"
except OSError as error:
    found["a group of its own"] = errno.errorcode[error.errno]
honest.report(found)
honest.main()
