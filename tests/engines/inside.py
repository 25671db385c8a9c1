"""Becomes a program of another Debian: run under `unshare --mount --net`, it enters a folder as its root and starts it.

`python inside.py ROOT WORK PROGRAM...`: WORK is in the new root what it is outside. Standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def main(root: str, work: str, *program: str) -> None:
    network()
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


def network() -> None:
    """A loopback, and a way out that leads nowhere: what a program must not reach has to be there."""
    for command in (
        "link set lo up",
        "link add name out0 type veth peer name nowhere",
        "link set nowhere up",
        "link set out0 arp off up",
        "address add 198.51.100.2/24 dev out0",
        "route add default dev out0",
    ):
        subprocess.run(["ip", *command.split()], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
