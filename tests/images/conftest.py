"""An engine, and one way to run a program in an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from sandbox.images.build import connect, resolve

OWN = "assay.test.images"
"""Label of every container these tests make."""

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    client = connect()
    yield client
    client.close()


@pytest.fixture(scope="session")
def run(engine: docker.DockerClient) -> Run:
    """Run a Python program in a container of python-ml like a box; keyword arguments change the container."""
    image = resolve("python-ml", engine)

    def go(program: str, *argv: str, **changes: Any) -> tuple[int, str]:
        return run_in(engine, image, ["/usr/bin/python3", "-I", "-c", program, *argv], **changes)

    return go


def run_in(engine: docker.DockerClient, image: str, command: list[str], **changes: Any) -> tuple[int, str]:
    """Exit code and output of a command in a container like a box; keyword arguments change the container."""
    flags: dict[str, Any] = {
        "user": "200000:200000",
        "environment": {"HOME": "/tmp"},
        "network_mode": "none",
        "read_only": True,
        "tmpfs": {"/tmp": "rw,nosuid,nodev,noexec,size=64m,mode=1777"},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "init": True,
        "labels": {OWN: "true"},
    }
    container = engine.containers.create(image, command, **flags | changes)
    try:
        container.start()
        code = container.wait(timeout=100)["StatusCode"]
        return code, container.logs().decode(errors="replace")
    finally:
        container.remove(force=True, v=True)
