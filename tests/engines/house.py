"""A newer Docker Engine, with gVisor, beside the one that runs here: Debian 13's packages in a folder of their own.

It has its own root, mounts, network, data, socket and cgroups, shares nothing with the other one, and is gone afterwards.
"""

from __future__ import annotations

import ctypes
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
import requests

from sandbox.images import BASE, RUNTIMES, debian, image_tag
from sandbox.images.build import connect
from sandbox.types import SandboxError

SUITE = "trixie"
PACKAGES = ("ca-certificates", "docker.io", "runsc")
CACHE = Path("/var/cache/assay-engines")
"""Not in the checkout: the path of a socket may have 107 characters."""
GROUP = "assay-engines"
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
            with suppress(docker.errors.DockerException, requests.exceptions.RequestException):
                self.client.ping()
                return
            time.sleep(0.3)
        raise SandboxError(
            f"the second engine does not start; it said:\n{self.log.read_text(errors='replace')[-2000:]}"
        )

    def stop(self) -> None:
        """Remove what runs in it, and end it."""
        with suppress(docker.errors.DockerException, requests.exceptions.RequestException):
            for one in self.client.containers.list(all=True):
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
    target = CACHE / SUITE
    if not target.is_dir():
        say(f"  making a Debian ({SUITE}) with {', '.join(PACKAGES)}: about half a minute")
        part = CACHE / f"{SUITE}.part"
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
        "cgroup-parent": f"/{GROUP}",
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
    _make_groups()
    found = Engine(daemon, work)
    try:
        found.wait()
        _bring_images(found, say)
        yield found
    finally:
        found.stop()
        _remove_groups()
        shutil.rmtree(work, ignore_errors=True)
    if work.exists():
        raise SandboxError(f"{work} cannot be removed")


def clean() -> None:
    """Remove all that is kept between runs."""
    shutil.rmtree(CACHE, ignore_errors=True)


def _remove_abandoned() -> None:
    """What a run that was killed has left: its engine ended with it, its folder did not."""
    for folder in CACHE.glob("run-*"):
        if not Path("/proc", folder.name.removeprefix("run-")).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _bring_images(engine: Engine, say: Callable[[str], None]) -> None:
    """The images keep their ids, tags and labels, so that they are found like those of the first engine."""
    ours, theirs = connect(), engine.client
    for runtime in (BASE, *RUNTIMES):
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


def _make_groups() -> None:
    """Version 1 lets nobody into a new cpuset that names no cores, and runsc does not inherit them as runc does."""
    above = Path("/sys/fs/cgroup/cpuset")
    if above.is_dir():
        (above / GROUP).mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            (above / GROUP / name).write_text((above / name).read_text())


def _remove_groups() -> None:
    """The groups of its containers, in every hierarchy, innermost first."""
    for top in [*Path("/sys/fs/cgroup").glob(f"*/{GROUP}"), Path("/sys/fs/cgroup") / GROUP]:
        for folder in sorted((one for one in top.glob("**/") if one.is_dir()), key=lambda one: -len(one.parts)):
            with suppress(OSError):
                folder.rmdir()
