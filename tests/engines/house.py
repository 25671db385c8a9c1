"""A newer Docker Engine, with gVisor, beside the one that runs here: Debian 13's packages in a folder of their own.

It has its own root, mounts, network, data, socket and cgroups, shares nothing with the other one, and is gone afterwards.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker

from sandbox.builds import ENGINE_ERRORS
from sandbox.images import BASE, CORE, debian, image_tag
from sandbox.images.build import connect
from sandbox.types import SandboxError

SUITE = "trixie"
PACKAGES = ("ca-certificates", "docker.io", "procps", "runsc")
CACHE = Path("/var/cache/assay-engines")
"""Not in the checkout: the path of a socket may have 107 characters."""
PLATFORM = "systrap"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
PR_SET_PDEATHSIG = 1


class Engine:
    """The running daemon."""

    def __init__(self, daemon: subprocess.Popen[bytes], work: Path) -> None:
        self._daemon = daemon
        self.host = f"unix://{work}/docker.sock"
        self.log = work / "dockerd.log"

    @property
    def client(self) -> docker.DockerClient:
        """A client of it, with time for large images."""
        return docker.DockerClient(self.host, timeout=600)

    def enter(self) -> list[str]:
        """What goes before a program that is to be in its network, whose loopback `network_mode=host` gives a container."""
        return ["nsenter", f"--net=/proc/{self._daemon.pid}/ns/net", "--"]

    def wait(self) -> None:
        """Until it answers. Raises SandboxError."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._daemon.poll() is None:
            with suppress(*ENGINE_ERRORS):
                self.client.ping()
                return
            time.sleep(0.3)
        raise SandboxError(
            f"the second engine does not start; it said:\n{self.log.read_text(errors='replace')[-2000:]}"
        )

    def stop(self) -> None:
        """End it with whatever still runs in it."""
        with suppress(*ENGINE_ERRORS):
            for one in self.client.containers.list(all=True, ignore_removed=True):
                with suppress(*ENGINE_ERRORS):  # somebody else removes it already
                    one.remove(force=True, v=True)
        if self._daemon.poll() is None:
            self._daemon.terminate()
            try:
                self._daemon.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait()


def root(say: Callable[[str], None]) -> Path:
    """The Debian it runs in, made once. Raises SandboxError."""
    target = CACHE / "-".join((SUITE, hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]))
    if not target.is_dir():
        say(f"  making a Debian ({SUITE}) with {', '.join(PACKAGES)}: about half a minute")
        part = target.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        debian.make(part, PACKAGES, suite=SUITE)
        part.rename(target)
    return target


@contextmanager
def engine(say: Callable[[str], None]) -> Iterator[Engine]:
    """The second engine with the images of the first; nothing of it is left. Raises SandboxError."""
    base = root(say)
    _remove_abandoned()
    work = CACHE / f"run-{os.getpid()}"
    work.mkdir(mode=0o700)
    runtime = {"path": "/usr/bin/runsc", "runtimeArgs": ["--network=none", f"--platform={PLATFORM}"]}
    (work / "daemon.json").write_text(json.dumps({"runtimes": {"runsc": runtime}}))
    options = {
        "config-file": work / "daemon.json",
        "host": f"unix://{work}/docker.sock",
        "pidfile": work / "dockerd.pid",
        "data-root": work / "data",
        "exec-root": work / "exec",
        "cgroup-parent": f"/{_group(work)}",
        "bridge": "none",
        "iptables": "false",
        "ip6tables": "false",
    }
    program = ["dockerd", *(f"--{name}={value}" for name, value in options.items())]
    inside = [sys.executable, "-I", str(Path(__file__).with_name("inside.py")), str(base), str(work)]
    with (work / "dockerd.log").open("wb") as log:
        daemon = subprocess.Popen(
            ["unshare", "--mount", "--net", *inside, *program],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for us, who end it in good order
            preexec_fn=_end_with_parent,
        )
    _make_groups(work)
    found = Engine(daemon, work)
    try:
        found.wait()
        _bring_images(found, say)
        yield found
    finally:
        found.stop()
        _remove(work)
    if work.exists():
        raise SandboxError(f"{work} cannot be removed")


def clean() -> None:
    """Remove all that is kept between runs."""
    shutil.rmtree(CACHE, ignore_errors=True)


def _remove_abandoned() -> None:
    """What a run that was killed has left: its engine ended with it, the rest did not."""
    for folder in CACHE.glob("run-*"):
        if not Path("/proc", folder.name.removeprefix("run-")).exists():
            _remove(folder)


def _remove(work: Path) -> None:
    """Whatever an engine that has ended leaves: supervisors of its containers, what they supervise, groups, its folder."""
    end = time.monotonic() + STOP_SECONDS
    while (left := _processes(work)) and time.monotonic() < end:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    for group in _groups(work):
        with suppress(OSError):
            group.rmdir()
    shutil.rmtree(work, ignore_errors=True)


def _processes(work: Path) -> set[int]:
    """Processes whose command names the folder, which no other has, and members of our groups."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{work}/".encode() in (path / "cmdline").read_bytes():
                found.add(int(path.name))
    for group in _groups(work):
        with suppress(OSError):
            found |= {int(pid) for pid in (group / "cgroup.procs").read_text().split()}
    return found - {os.getpid()}


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _bring_images(engine: Engine, say: Callable[[str], None]) -> None:
    """The images keep their ids, tags and labels, so that they are found like those of the first engine."""
    ours, theirs = connect(), engine.client
    for runtime in (BASE, *CORE):
        tag = image_tag(runtime)
        begun = time.monotonic()
        try:
            image = ours.images.get(tag)
        except docker.errors.ImageNotFound:
            raise SandboxError(f"the image {tag} has not been made; run `make images`") from None
        theirs.images.load(image.save(named=tag))
        if theirs.images.get(tag).id != image.id:
            raise SandboxError(f"the image {tag} did not arrive as it is")
        say(f"  {tag}: brought over in {time.monotonic() - begun:.0f} s")


def _group(work: Path) -> str:
    return f"{CACHE.name}-{work.name}"


def _make_groups(work: Path) -> None:
    """Version 1 lets nobody into a new cpuset that names no cores, and runsc does not inherit them as runc does."""
    above = Path("/sys/fs/cgroup/cpuset")
    if above.is_dir():
        ours = above / _group(work)
        ours.mkdir()
        for name in ("cpuset.cpus", "cpuset.mems"):
            (ours / name).write_text((above / name).read_text())


def _groups(work: Path) -> Iterator[Path]:
    """Its own groups and those of its containers, in every hierarchy, innermost first."""
    tree, name = Path("/sys/fs/cgroup"), _group(work)
    for top in [*tree.glob(f"*/{name}"), tree / name]:
        yield from sorted((one for one in top.glob("**/") if one.is_dir()), key=lambda one: -len(one.parts))
