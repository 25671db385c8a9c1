"""Makes a plain Debian out of Debian packages, and fetches more of them, for hosts that reach no container registry.

Knows no engine. The packages come from wherever this host's own apt gets them, with their signatures checked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox.types import SandboxError

SUITE = "bookworm"

_PLAIN = ("env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
_TARGETS = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
_SUITES = {"Debian": ("", "-updates"), "Debian-Security": ("-security",)}
_NO_DOCS = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "info", "locale", "lintian")]


def make(target: Path, packages: Iterable[str], *, suite: str = SUITE) -> None:
    """Write a Debian with these packages to `target`, a .tar or a folder. Raises SandboxError if this host cannot."""
    _require_tool()
    sources = "\n".join(_sources(suite))
    command = [*_PLAIN, "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(packages)}"]
    command += [*_NO_DOCS, *(f"--aptopt={line}" for line in _proxies()), suite, str(target), "-"]
    done = subprocess.run(command, input=sources, capture_output=True, text=True)
    if done.returncode != 0:
        raise SandboxError(
            f"mmdebstrap could not make a Debian ({suite}) from this host's package mirror:\n{_tail(done.stderr)}"
        )


def fetch(target: Path, packages: Iterable[str], *, suite: str = SUITE, status: str | None = None) -> None:
    """Write the .deb files of these packages into `target`, a new folder; nothing is installed. Raises SandboxError.

    With `status`, the dpkg status of some system, also what they need that is not there yet; without, they alone.
    """
    if not shutil.which("apt-get"):
        raise SandboxError("Debian packages are fetched by apt, which this host lacks")
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        apt = ["apt-get", "-qq", *_own_world(folder, suite, status or "")]
        if status is None:
            verb = ["download"]
        else:
            verb = ["install", "--yes", "--no-install-recommends", "--download-only"]
        for command in ([*apt, "update"], [*apt, *verb, *packages]):
            done = subprocess.run([*_PLAIN, *command], cwd=folder, capture_output=True, text=True)
            if done.returncode != 0:
                raise SandboxError(f"apt could not fetch {' '.join(packages)} of {suite}:\n{_tail(done.stderr)}")
        for deb in [*folder.glob("*.deb"), *(folder / "cache/archives").glob("*.deb")]:
            shutil.copyfile(deb, target / deb.name.replace("%3a", "_"))


def _own_world(folder: Path, suite: str, status: str) -> Iterator[str]:
    """Options for an apt that goes out as this host's does, but knows one suite and keeps everything in a folder."""
    (folder / "sources.list").write_text("\n".join(_sources(suite)) + "\n")
    (folder / "status").write_text(status)
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    options = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::Status": folder / "status",
        "Dir::State::Extended_States": folder / "extended",
        "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "",  # the folder is ours alone
        "Debug::NoLocking": "true",
        "APT::Keep-Downloaded-Packages": "true",
    }
    for key, value in options.items():
        yield from ("-o", f"{key}={value}")


def _require_tool() -> None:
    """mmdebstrap is there afterwards: installed by apt if need be and possible."""
    if os.geteuid() != 0:
        raise SandboxError("making the base image from Debian packages needs root; or name a registry with --registry")
    if shutil.which("mmdebstrap"):
        return
    if not shutil.which("apt-get"):
        raise SandboxError("no container registry answers, and this is no Debian machine that could do without one")
    for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "mmdebstrap"]):
        done = subprocess.run([*_PLAIN, *command], capture_output=True, text=True)
        if done.returncode != 0:
            raise SandboxError(f"`{' '.join(command)}` failed:\n{_tail(done.stderr)}")


def _sources(suite: str = SUITE) -> Iterator[str]:
    """Lines of a sources.list for a suite on the mirrors of this host's apt."""
    mirrors = list(_mirrors())
    if not mirrors:  # apt does not know an origin before it has fetched its lists once
        subprocess.run([*_PLAIN, "apt-get", "update"], capture_output=True)
        mirrors = list(_mirrors())
    if not any(label == "Debian" for label, _ in mirrors):
        raise SandboxError("apt on this host has no Debian mirror to make the base image from; name a registry instead")
    for label, mirror in mirrors:
        for part in _SUITES[label]:
            yield f"deb {mirror} {suite}{part} main"


def _mirrors() -> Iterator[tuple[str, str]]:
    command = ["apt-get", "indextargets", "--format", _TARGETS, "Created-By: Packages"]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    for line in dict.fromkeys(lines):
        origin, label, mirror = line.split("|")
        if origin == "Debian" and label in _SUITES:
            yield label, mirror


def _proxies() -> Iterator[str]:
    """How apt on this host goes out: mmdebstrap has an apt of its own, which reads none of it."""
    dump = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True).stdout
    for line in dump.splitlines():
        key = line.split(" ", 1)[0].lower()
        if "proxy" in key or "::cainfo" in key or "::verify-" in key:
            yield line.rstrip(";")


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
