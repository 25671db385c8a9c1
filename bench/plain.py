"""The baselines: the same program without Assay, in a plain container and as a plain process; knows no judge."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import docker

from bench.report import say

PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Ran:
    """One run: how long it took in all, and what it printed."""

    seconds: float
    stdout: bytes


class PlainRunFailed(Exception):
    """The baseline itself does not work here; the text says why."""


def network(api: Any, image: str) -> str:
    """The engine's default network, or "none" where that is broken, so that a plain container cannot start in it."""
    try:
        docker_run(api, image, [PYTHON, "-c", "pass"], net="default")
    except docker.errors.APIError as error:
        say(f"  plain containers get no network, for the default one does not work here: {error.explanation}")
        return "none"
    return "default"


def docker_run(api: Any, image: str, argv: Sequence[str], files: Mapping[str, bytes] | None = None, *, net: str) -> Ran:
    """What `docker run --rm` does, with its default flags; `files` are copied into /tmp. Raises PlainRunFailed."""
    begin = time.perf_counter()
    host = api.create_host_config(network_mode=net)
    id = api.create_container(image, list(argv), working_dir="/tmp", entrypoint=[], host_config=host)["Id"]
    try:
        if files:
            api.put_archive(id, "/tmp", _packed(files))
        output = api.attach(id, stdout=True, stderr=True, stream=True, logs=False, demux=True)
        api.start(id)
        parts = list(output)
        code = api.wait(id)["StatusCode"]
    finally:
        api.remove_container(id, force=True, v=True)
    seconds = time.perf_counter() - begin
    if code != 0:
        said = b"".join(error for _, error in parts if error)
        raise PlainRunFailed(f"a plain container ended with {code}: {said[-500:].decode('utf-8', 'replace')}")
    return Ran(seconds, b"".join(out for out, _ in parts if out))


@contextmanager
def root_of(api: Any, image: str) -> Iterator[str]:
    """The image's own file system as a folder of this host: that of a container that sleeps meanwhile."""
    host = api.create_host_config(network_mode="none")
    id = api.create_container(image, ["sleep", "3600"], entrypoint=[], host_config=host)["Id"]
    try:
        api.start(id)
        yield f"/proc/{api.inspect_container(id)['State']['Pid']}/root"
    finally:
        api.remove_container(id, force=True, v=True)


def bare(root: str, argv: Sequence[str]) -> Ran:
    """A plain process whose root is that folder: the image's programs without any isolation. Needs to be root.

    Raises PlainRunFailed.
    """
    begin = time.perf_counter()
    done = subprocess.run(
        [shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin") or "chroot", root, *argv],
        capture_output=True,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        check=False,
    )
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise PlainRunFailed(f"a plain process ended with {done.returncode}: {done.stderr[-500:]!r}")
    return Ran(seconds, done.stdout)


def engine() -> Any:
    """The engine's client, without any time-out of its own that a slow run could meet."""
    return docker.from_env(timeout=600).api


def _packed(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o644
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
