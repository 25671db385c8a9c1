"""A runtime of Debian packages and wheels: made without a network of its own, and what it declares works in a box."""

from __future__ import annotations

import docker
import pytest

from sandbox.images import image_tag
from sandbox.images.build import provide
from tests.images.conftest import run_in

LOOKS = """
import os, pathlib, subprocess, yaml
os.mkdir("/tmp/one"); os.chdir("/tmp/one")
for line in ("init -q .", "-c user.name=a -c user.email=a@b commit -q --allow-empty -m one", "bundle create -q all --all"):
    subprocess.run(["git", *line.split()], check=True)
print(pathlib.Path("all").read_bytes()[:13].decode(), yaml.safe_load("a: 1"))
found = subprocess.run(["find", "/", "-xdev", "-perm", "/6000", "-type", "f"], capture_output=True, text=True).stdout
print("raised:", found.split(), "left:", os.path.exists("/recipe"))
"""


@pytest.mark.timeout(300)
def test_a_runtime_of_debian_packages(engine: docker.DockerClient) -> None:
    image = provide("python-tools", say=print)
    assert engine.images.get(image_tag("python-tools")).id == image == provide("python-tools", say=pytest.fail)
    code, said = run_in(engine, image, ["/usr/bin/python3", "-I", "-c", LOOKS])
    assert code == 0, said
    assert said.splitlines() == ["# v2 git bund {'a': 1}", "raised: [] left: False"]
