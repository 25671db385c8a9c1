"""Becomes a program of another Debian: run under `unshare --mount --net`, it enters a folder as its root and starts it.

`python inside.py ROOT WORK PROGRAM...`: WORK is in the new root what it is outside. Standard library only.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def main(root: str, work: str, *program: str) -> None:
    loopback_up()
    for folder in ("proc", "sys", "dev", "mnt", work.lstrip("/")):
        (Path(root) / folder).mkdir(parents=True, exist_ok=True)
    mount("--bind", root, root)  # what becomes a root must be a mount
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("--rbind", "/sys", f"{root}/sys")
    mount("--rbind", "/dev", f"{root}/dev")
    mount("-t", "tmpfs", "-o", "mode=755", "run", f"{root}/run")
    mount("--bind", work, f"{root}{work}")
    os.chdir(root)
    subprocess.run(["pivot_root", ".", "mnt"], check=True)
    os.chroot(".")
    os.chdir("/")
    subprocess.run(["/bin/umount", "--lazy", "/mnt"], check=True)
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    os.execvp(program[0], program)


def mount(*args: str) -> None:
    subprocess.run(["mount", *args], check=True)


def loopback_up() -> None:
    """A new network has its loopback down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


if __name__ == "__main__":
    main(*sys.argv[1:])
