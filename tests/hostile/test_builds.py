"""What the build of a stranger's image can do to ours and to the next build: nothing."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import docker
import pytest

from sandbox.containers import DockerSandbox
from sandbox.images.build import resolve
from sandbox.types import BuildFailed, BuildLimits
from tests.hostile.arena import CHALLENGES, Arena

RUNTIMES = ("python-ml", "python-slim", "python-wheelhouse")
LIMITS = BuildLimits(seconds=60)
CMD = 'CMD ["true"]'
DRAW = 'RUN python -c "import secrets; print(42, secrets.token_hex(8))"'


@pytest.fixture(scope="module")
def lenient() -> Iterator[DockerSandbox]:
    """An operator's choice: a Dockerfile may run what it likes."""
    found = DockerSandbox(instance=f"test-hostile-builds-{os.getpid()}", image_of=cache(resolve), builds="any")
    yield found
    found.close()
    assert found.leftovers() == []
    assert found.leftover_builds() == set()


def standing() -> dict[str, Any]:
    """Our images as they are: id, names and layers."""
    client = docker.from_env().api
    found = {}
    for runtime in RUNTIMES:
        image = client.inspect_image(resolve(runtime))
        found[runtime] = (image["Id"], sorted(image["RepoTags"]), image["RootFS"]["Layers"], image["Config"]["Labels"])
    return found


def test_g4_no_image_of_ours_is_changed_or_replaced(arena: Arena, lenient: DockerSandbox) -> None:
    before = standing()
    (tag,) = before["python-ml"][1]
    for label in [*before["python-ml"][3], "assay.instance", "assay.role"]:
        with pytest.raises(BuildFailed, match="those that begin with assay"):
            lenient.build(
                {"Dockerfile": f'FROM python:3.11-slim\nLABEL {label}="x"\n{CMD}'.encode()}, LIMITS, labels={}
            )
    text = f"FROM python:3.11-slim AS python-ml\nCOPY a.py /usr/bin/python3\nFROM python-ml AS base\nFROM base\n{CMD}"
    image = lenient.build({"Dockerfile": text.encode(), "a.py": b"#!/bin/sh\nexit 0\n"}, LIMITS, labels={})
    made = docker.from_env().api.inspect_image(image.id)
    assert made["RepoTags"] == [], "named like ours, and known by no name"
    assert made["Config"]["Labels"]["assay.instance"] == lenient.instance
    assert standing() == before
    image.remove()
    for name in (tag, "scratch", before["python-ml"][0]):
        with pytest.raises(BuildFailed):
            lenient.build({"Dockerfile": f"FROM {name}\n{CMD}".encode()}, LIMITS, labels={})
    assert standing() == before
    assert arena.honest(CHALLENGES["words-serve"]).report.verdict == "accepted"
    assert arena.honest(CHALLENGES["words-call"]).report.verdict == "accepted"


def test_g4_no_step_of_one_build_serves_another(lenient: DockerSandbox) -> None:
    files = {"Dockerfile": f"FROM python:3.11-slim\n{DRAW}\n{CMD}".encode()}
    drawn = []
    for _ in range(2):
        image = lenient.build(files, LIMITS, labels={})
        drawn += re.findall(r"42 ([0-9a-f]{16})", image.log)
        image.remove()
    assert len(set(drawn)) == 2
    client = docker.from_env()
    text = f"FROM {resolve('python-slim')}\n{DRAW}\n".encode()
    first, second = (client.images.build(fileobj=io.BytesIO(text), rm=True)[0] for _ in range(2))
    client.images.remove(first.id, force=True)
    assert first.id == second.id, "the control: an ordinary second build does not run the step again"
