"""A sandbox on the real engine, and the same image in a container without any of its hardening as the control."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from sandbox.containers import DockerSandbox
from sandbox.images.build import resolve
from sandbox.types import Job, Limits, RunResult

Run = Callable[..., RunResult]


@pytest.fixture(scope="session")
def image() -> str:
    """The image id of the runtime python-ml."""
    return resolve("python-ml")


@pytest.fixture(scope="session")
def sandbox(image: str, oci_runtime: str) -> Iterator[DockerSandbox]:
    """One sandbox for the whole run, with boxes made ahead as a worker has them; it must leave nothing behind."""
    instance = f"test-promises-{os.getpid()}"
    with_label = DockerSandbox(instance=instance, image_of=lambda _: image, oci_runtime=oci_runtime, warm_mb=1000)
    yield with_label
    with_label.close()
    assert with_label.leftovers() == []


@pytest.fixture
def run(sandbox: DockerSandbox) -> Run:
    """Run Python code as a submission's program."""

    def go(
        code: str, *, files: dict[str, bytes] | None = None, outputs: tuple[str, ...] = (), **limits: Any
    ) -> RunResult:
        given = {"cpu_seconds": 5, "memory_mb": 256, "wall_seconds": 15, **limits}
        return sandbox.run(
            Job(
                "python-ml",
                Limits.of(**given),
                files={"main.py": code.encode(), **(files or {})},
                argv=("python3", "main.py"),
                outputs=outputs,
            )
        )

    return go


@pytest.fixture
def probe(run: Run) -> Callable[[str], Any]:
    """Run code in a box and read the JSON it prints."""

    def go(code: str) -> Any:
        result = run(code)
        assert result.clean, result.stderr.decode()
        return json.loads(result.stdout)

    return go


@pytest.fixture(scope="session")
def unhardened(image: str) -> Callable[..., Any]:
    """Run the same code as root in a plain container with the host's network: the positive control of every denial.

    Keyword arguments change the container.
    """
    client = docker.from_env()

    def go(code: str, **changes: Any) -> Any:
        plain = {"entrypoint": "", "network_mode": "host", "security_opt": ["seccomp=unconfined"], "remove": True}
        return json.loads(client.containers.run(image, ["/usr/bin/python3", "-c", code], **plain | changes))

    return go


@pytest.fixture
def listener() -> Iterator[int]:
    """A port of the host's loopback on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="session")
def builder(oci_runtime: str) -> Iterator[DockerSandbox]:
    """A sandbox with the images that builds need; nothing of what it builds may stay."""
    images = {name: resolve(name) for name in ("python-slim", "python-wheelhouse")}
    instance = f"test-builds-{os.getpid()}"
    found = DockerSandbox(instance=instance, image_of=images.__getitem__, oci_runtime=oci_runtime)
    yield found
    found.close()
    assert found.leftovers() == []
    assert found.leftover_builds() == set()
