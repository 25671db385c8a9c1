"""deploy/init: what it makes is for nobody else, and stays as it is; what it cannot make it says in one sentence."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.deploy.house import PROJECT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    for name in (".env.example", "deploy/init"):
        shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


def _init(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    command = [str(folder / "deploy" / "init"), *arguments]
    return subprocess.run(command, env={**os.environ, **changes}, capture_output=True, text=True)


def _made(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in [folder / ".env", *(folder / "deploy" / "secrets").iterdir()]}


def test_what_it_makes_is_for_nobody_else_and_stays(folder: Path) -> None:
    assert _init(folder).returncode == 0
    made = _made(folder)
    settings = dict(line.split("=", 1) for line in made.pop(".env").splitlines() if line and not line.startswith("#"))
    assert sorted(made) == ["broker_password", "database_password"]
    assert len(set(made.values())) == 2 and all(len(one) == 64 for one in made.values())
    assert not any(one in str(settings) for one in made.values())
    assert len(settings["ASSAY_INSTANCE_ID"]) == 12
    assert settings["ASSAY_DOCKER_GROUP"] == str(Path("/var/run/docker.sock").stat().st_gid)
    assert "ASSAY_DATABASE_IMAGE" not in settings
    assert stat.S_IMODE((folder / "deploy" / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600

    before = _made(folder)
    assert _init(folder).returncode == 0
    assert _made(folder) == before
    assert _init(folder, "--local-images").returncode == 0
    assert "\nASSAY_DATABASE_IMAGE=assay/database:local\n" in (folder / ".env").read_text()
    assert _made(folder) | {".env": ""} == before | {".env": ""}


def test_two_installations_have_nothing_in_common(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "x"
    shutil.copytree(folder, other)
    assert _init(folder).returncode == _init(other).returncode == 0
    assert not set(_made(folder).values()) & set(_made(other).values())


def test_it_says_what_it_cannot_do(folder: Path) -> None:
    done = _init(folder, ASSAY_DOCKER_SOCKET=str(folder / "none.sock"))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "no Docker Engine has its socket at" in done.stderr
    assert not (folder / ".env").exists()
    assert _init(folder, "--force").returncode == 2


def test_nothing_it_makes_can_be_committed_or_get_into_an_image() -> None:
    names = [".env", "deploy/secrets/database_password", "deploy/challenges/x"]
    ignored = subprocess.run(["git", "check-ignore", *names], cwd=PROJECT, capture_output=True, text=True)
    assert ignored.stdout.split() == names
    rules = (PROJECT / ".dockerignore").read_text().splitlines()
    assert "*" in rules and not [rule for rule in rules if rule.startswith("!") and rule[1:] in (".", ".env", "deploy")]
