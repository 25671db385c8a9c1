# B2 accepted: system calls that an escape needs, each in a process of its own
import ctypes
import errno
import os
import platform
import socket

import honest

libc = ctypes.CDLL(None, use_errno=True)
column = {"x86_64": 0, "aarch64": 1}[platform.machine()]
ME = os.getpid()
OWN = os.open("/proc/self/ns/uts", os.O_RDONLY)
BAD = ctypes.c_void_p(1)
CALLS = {
    "mount": ((165, 40), (b"none", b"/tmp", b"tmpfs", 0, None)),
    "unshare a user namespace": ((272, 97), (0x10000000,)),
    "setns": ((308, 268), (OWN, 0)),
    "bpf": ((321, 280), (0, BAD, 0)),
    "keyctl": ((250, 219), (0, -3, 0, 0, 0)),
    "userfaultfd": ((323, 282), (1,)),
    "perf_event_open": ((298, 241), (BAD, 0, -1, -1, 0)),
    "io_uring_setup": ((425, 425), (1, ctypes.create_string_buffer(256))),
    "ptrace": ((101, 117), (16, 999999, 0, 0)),
    "personality": ((135, 92), (0x0040000,)),
    "process_vm_readv": ((310, 270), (ME, None, 0, None, 0, 0)),
    "kcmp": ((312, 272), (ME, ME, 0, 0, 0)),
    "pidfd_getfd": ((438, 438), (-1, 0, 0)),
    "open_by_handle_at": ((304, 265), (-1, BAD, 0)),
    "socket vsock": ((41, 198), (40, socket.SOCK_STREAM, 0)),
    "socket alg": ((41, 198), (38, 5, 0)),
    "socket packet": ((41, 198), (17, socket.SOCK_RAW, 0)),
    "socket raw": ((41, 198), (2, socket.SOCK_RAW, 1)),
}


def attempt(numbers, arguments):
    back, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        result = libc.syscall(ctypes.c_long(numbers[column]), *arguments)
        os.write(there, (errno.errorcode[ctypes.get_errno()] if result == -1 else "done").encode())
        os._exit(0)
    os.close(there)
    os.waitpid(pid, 0)
    return os.read(back, 64).decode()


honest.report({name: attempt(*call) for name, call in CALLS.items()})
honest.main()
