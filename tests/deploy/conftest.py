"""The two composes, and the images of the services."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.deploy.house import PROJECT


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="session")
def images() -> None:
    """The images as the project stands; `make test` has made them before."""
    _run(sys.executable, "-m", "deploy.build")


@pytest.fixture(scope="session")
def compose_1() -> str:
    """Debian 12's docker-compose."""
    _run("scripts/ensure-packages", "docker-compose=docker-compose")
    assert "version 1.29" in _run("docker-compose", "version")
    return "docker-compose"


@pytest.fixture(scope="session")
def compose_2() -> str:
    """A Compose 2."""
    program = _run("scripts/ensure-compose").splitlines()[-1]
    assert "version 2." in _run(program, "version")
    return program
