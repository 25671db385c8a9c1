#!/usr/bin/env python3
"""Writes sandbox/seccomp.json: which system calls a box may make, and why each group is there; knows no engine.

Everything not named is refused with EPERM, so the list is short on purpose: what Python, R, Java and the libraries of
our runtimes use as an unprivileged program. Compared with what engines allow by default there is no ptrace or
process_vm_*, no memory or file of another process by descriptor, no io_uring and no native asynchronous I/O, no new
namespace, and only the socket families named below. No architecture is named: the filter then holds for the machine's
own one, and a call through another (32-bit, x32) kills the program. Names a kernel or libseccomp does not know are
skipped by the engine.

    scripts/make_seccomp.py            write the file
    scripts/make_seccomp.py --check    say by the exit code whether it is up to date
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "sandbox" / "seccomp.json"

ALLOWED = {
    "descriptors": """
        close close_range dup dup2 dup3 fcntl ioctl pipe pipe2 read readv pread64 preadv preadv2 write writev pwrite64
        pwritev pwritev2 lseek sendfile splice tee copy_file_range flock fsync fdatasync ftruncate fallocate fadvise64
        readahead cachestat""",
    # Not sync and syncfs: they would make the whole host write its disks. A box has no disk of its own to save.
    "files": """
        open openat openat2 creat access faccessat faccessat2 stat fstat lstat newfstatat statx statfs fstatfs truncate
        getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir rename renameat renameat2 link linkat unlink
        unlinkat symlink symlinkat readlink readlinkat chmod fchmod fchmodat fchmodat2 chown fchown fchownat lchown
        umask utime utimes futimesat utimensat mknod mknodat getxattr lgetxattr fgetxattr listxattr llistxattr
        flistxattr setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr inotify_init inotify_init1
        inotify_add_watch inotify_rm_watch""",
    "memory": """
        brk mmap munmap mremap mprotect madvise msync mincore mlock mlock2 mlockall munlock munlockall memfd_create
        membarrier pkey_alloc pkey_free pkey_mprotect map_shadow_stack mseal""",
    "processes and threads": """
        execve execveat exit exit_group fork vfork wait4 waitid set_tid_address set_robust_list get_robust_list rseq
        futex futex_wait futex_wake futex_waitv futex_requeue arch_prctl prctl seccomp landlock_create_ruleset
        landlock_add_rule landlock_restrict_self pidfd_open pidfd_send_signal getpid gettid getppid getpgid getpgrp
        getsid setpgid setsid restart_syscall""",
    "signals": """
        kill tkill tgkill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
        rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4""",
    "time": """
        time times gettimeofday clock_gettime clock_getres nanosleep clock_nanosleep alarm getitimer setitimer
        timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
        timerfd_settime""",
    "waiting": """
        select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd
        eventfd2""",
    # Raising an identity fails in the kernel, for want of a capability; programs that drop one must not break.
    "identity and limits": """
        getuid geteuid getresuid getgid getegid getresgid getgroups setuid setreuid setresuid setgid setregid setresgid
        setgroups setfsuid setfsgid capget capset getrlimit setrlimit prlimit64 getrusage getpriority setpriority
        ioprio_get ioprio_set""",
    "scheduling": """
        sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
        sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval
        getcpu""",
    "the machine": "uname sysinfo getrandom riscv_hwprobe",
    # What a socket may be is said below; these only use one.
    "sockets": """
        bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt sendto sendmsg
        sendmmsg recvfrom recvmsg recvmmsg""",
    # In the box's own namespace.
    "inter-process communication": """
        mq_open mq_unlink mq_getsetattr mq_notify mq_timedreceive mq_timedsend msgctl msgget msgrcv msgsnd semctl semget
        semop semtimedop shmat shmctl shmdt shmget""",
}

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
NETLINK_ROUTE = 0
NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
PERSONALITY_ASK, PERSONALITY_LINUX = 0xFFFFFFFF, 0
ENOSYS = 38
EPERM = 1


def profile() -> dict[str, Any]:
    """The profile as the Engine API takes it."""
    return {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": EPERM, "syscalls": list(_rules())}


def _rules() -> Iterator[dict[str, Any]]:
    for purpose, names in ALLOWED.items():
        yield _allow(*sorted(names.split()), comment=purpose)
    for family in (AF_UNIX, AF_INET, AF_INET6):
        yield _allow("socket", args=[_equal(0, family)], comment="an address family")
    # getifaddrs and getaddrinfo list the addresses of the box through this one.
    yield _allow("socket", args=[_equal(0, AF_NETLINK), _equal(2, NETLINK_ROUTE)], comment="addresses of the box")
    yield _allow("socketpair", args=[_equal(0, AF_UNIX)], comment="an address family")
    # The C library starts every thread and process with clone once clone3, whose flags a filter cannot see, is missing.
    yield _allow("clone", args=[_masked(0, NEW_NAMESPACES, 0)], comment="without a new namespace")
    yield {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS, "comment": "fall back to clone"}
    for value in (PERSONALITY_LINUX, PERSONALITY_ASK):
        yield _allow("personality", args=[_equal(0, value)], comment="ask, or stay as it is")


def _allow(*names: str, args: list[dict[str, Any]] | None = None, comment: str) -> dict[str, Any]:
    return {"names": list(names), "action": "SCMP_ACT_ALLOW", "args": args or [], "comment": comment}


def _equal(index: int, value: int) -> dict[str, Any]:
    return {"index": index, "value": value, "op": "SCMP_CMP_EQ"}


def _masked(index: int, mask: int, value: int) -> dict[str, Any]:
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def text() -> str:
    """The file's content."""
    return json.dumps(profile(), indent=1) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(TARGET.read_text() != text())
    TARGET.write_text(text())
