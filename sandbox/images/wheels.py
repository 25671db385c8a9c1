"""Brings a runtime's wheels to this host, checked against the hashes of its lock; knows no engine, installs nothing."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from sandbox.types import SandboxError

PYTHON = "3.11"
"""The Python of Debian 12, which the runtimes have."""
GLIBC_MINOR = 36
"""Debian 12 has glibc 2.36, and runs what was built for an older one."""


def bring(locks: Iterable[Path], *, machine: str, cache: Path) -> Path:
    """The folder with exactly the wheels of these locks for `machine` (as in `uname -m`).

    Downloaded once by this host's pip, with this host's pip configuration. Raises SandboxError.
    """
    locks = list(locks)
    digest = hashlib.sha256(machine.encode() + b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    house = cache / f"wheels-{machine}-{digest[:16]}"
    if house.is_dir():
        return house
    coming = house.with_suffix(".coming")
    shutil.rmtree(coming, ignore_errors=True)
    coming.mkdir(parents=True)
    for lock in locks:
        _download(lock, machine, coming)
    coming.rename(house)
    return house


def _download(lock: Path, machine: str, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    command += ["--no-deps", "--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp"]
    for tag in ("cp311", "abi3", "none"):
        command += ["--abi", tag]
    for tag in [f"manylinux_2_{minor}" for minor in range(5, GLIBC_MINOR + 1)] + ["manylinux2014", "linux"]:
        command += ["--platform", f"{tag}_{machine}"]
    done = subprocess.run([*command, "--dest", str(target), "--requirement", str(lock)], capture_output=True, text=True)
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise SandboxError(f"pip on this host could not bring the wheels of {lock.parent.name}/{lock.name}:\n{tail}")
