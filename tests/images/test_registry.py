"""The base image comes out of a container registry where one answers; a real registry on the loopback stands in."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from sandbox import images
from sandbox.images import BASE, build, image_tag, recipe_digest
from sandbox.types import SandboxError


@dataclass
class Registry:
    """A running registry and what it has been asked."""

    address: str
    log: Path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    port = _free_port()
    program = shutil.which("docker-registry")
    assert program, "the Debian package docker-registry is missing; `make test` installs it"
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {tmp_path / 'store'}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    log = tmp_path / "registry.log"
    with log.open("wb") as out, subprocess.Popen([program, "serve", str(config)], stdout=out, stderr=out) as process:
        try:
            deadline = time.monotonic() + 20
            while not _answers(port):
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield Registry(f"127.0.0.1:{port}", log)
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The base recipe with another digest, so that the installation's own image stays what it is."""
    shutil.copytree(images.ROOT / BASE, tmp_path / "recipes" / BASE)
    (tmp_path / "recipes" / BASE / "of-a-test").write_text(uuid.uuid4().hex)
    with monkeypatch.context() as patch:
        patch.setattr(images, "ROOT", tmp_path / "recipes")
        recipe_digest.cache_clear()
        yield image_tag(BASE)
    recipe_digest.cache_clear()


@pytest.fixture
def remove(engine: docker.DockerClient) -> Iterator[list[str]]:
    """Images named in this list are removed at the end."""
    names: list[str] = []
    yield names
    for name in names:
        with suppress(ImageNotFound):
            engine.images.remove(name, force=True)


def _plain(engine: docker.DockerClient, marker: str) -> str:
    """ID of a Debian that no image here has been made from: it holds a file of its own."""
    dockerfile = f"FROM {image_tag(BASE)}\nRUN echo {marker} > /marker\n".encode()
    image, _ = engine.images.build(fileobj=BytesIO(dockerfile), rm=True, network_mode="none", nocache=True)
    return str(image.id)


def test_the_base_is_pulled_where_a_registry_answers(
    engine: docker.DockerClient, registry: Registry, remove: list[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    marker = uuid.uuid4().hex
    name = f"{registry.address}/library/{build.DEBIAN}"
    plain = _plain(engine, marker)
    remove += [name, plain]
    engine.images.get(plain).tag(name)
    pushed = engine.images.push(name)
    assert "errorDetail" not in pushed, pushed
    engine.images.remove(name)
    for gone in (name, plain):
        with pytest.raises(ImageNotFound):
            engine.images.get(gone)

    tag = request.getfixturevalue("recipe")
    remove.insert(0, tag)
    said: list[str] = []
    builder = build.Builder(engine, cache=tmp_path, registry=f"{registry.address}/library", say=said.append)
    built = builder.build(BASE)

    assert (built.made, built.tag, built.base) == (True, tag, f"pulled {name}")
    assert "GET" in registry.log.read_text() and "/v2/library/debian/blobs/" in registry.log.read_text()
    read = engine.containers.run(built.image, ["cat", "/marker"], network_mode="none", remove=True)
    assert read.decode().strip() == marker
    assert not any("packages" in line for line in said)
    assert builder.build(BASE).made is False


def test_a_registry_that_was_named_and_is_silent_is_an_error_in_time(
    engine: docker.DockerClient, recipe: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        begun = time.monotonic()
        where = f"127.0.0.1:{silent.getsockname()[1]}/nobody"
        builder = build.Builder(engine, cache=tmp_path, registry=where, say=lambda line: None)
        with pytest.raises(SandboxError, match="registry named"):
            builder.build(BASE)
        assert time.monotonic() - begun < build.REGISTRY_PATIENCE_SECONDS + 10
    with pytest.raises(ImageNotFound):
        engine.images.get(recipe)
