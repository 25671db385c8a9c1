"""What the operator reads when an image cannot be made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from sandbox import images
from sandbox.images import BASE, build, debian, image_tag, recipe_digest, wheels
from sandbox.types import SandboxError


@pytest.fixture
def unmade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A base recipe nobody has built, that starts from an image this engine has."""
    shutil.copytree(images.ROOT / BASE, tmp_path / "recipes" / BASE)
    shutil.copytree(images.ROOT / "python-ml", tmp_path / "recipes" / "python-ml")
    plain = docker.from_env().images.get(image_tag(BASE)).id
    with monkeypatch.context() as patch:
        patch.setattr(images, "ROOT", tmp_path / "recipes")
        patch.setattr(build.Builder, "_bootstrap", lambda self: str(plain))
        failing = "ARG PARENT\nFROM ${PARENT}\nRUN echo a word on the way; exit 3\n"
        (tmp_path / "recipes" / BASE / "Dockerfile").write_text(failing)
        recipe_digest.cache_clear()
        yield tmp_path
    recipe_digest.cache_clear()


def _builder(engine: docker.DockerClient, folder: Path) -> build.Builder:
    return build.Builder(engine, cache=folder, registry=None, say=lambda line: None)


def test_a_recipe_that_fails_is_told_with_its_own_words_and_leaves_no_image(
    engine: docker.DockerClient, unmade: Path
) -> None:
    with pytest.raises(SandboxError, match=r"image of base failed[\s\S]*a word on the way"):
        _builder(engine, unmade).build(BASE)
    with pytest.raises(ImageNotFound):
        engine.images.get(image_tag(BASE))


def test_a_runtime_that_was_not_made_says_how_to_make_it(engine: docker.DockerClient, unmade: Path) -> None:
    with pytest.raises(SandboxError, match="assay images build python-ml"):
        build.resolve("python-ml", engine)


def test_too_little_disk_is_said_before_anything_is_done(
    engine: docker.DockerClient, unmade: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "NEEDED_GB", 1e9)
    with pytest.raises(SandboxError, match=r"GB free; making an image needs"):
        _builder(engine, unmade).build(BASE)


def test_no_engine_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(SandboxError, match="no Docker Engine answers"):
        build.connect()


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    line = "farama-notifications==0.0.6 --hash=sha256:"
    right = (images.ROOT / "python-ml" / "requirements.lock").read_text().split("farama-notifications==0.0.6")[1]
    lock.write_text(line + "0" * 64 + "\n")
    with pytest.raises(SandboxError, match=r"could not bring the wheels[\s\S]*HASH"):
        wheels.bring([lock], machine="x86_64", cache=tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").iterdir() if not path.name.endswith(".coming")]

    digests = [word.split(":")[1] for word in right.split("\n\n")[0].split() if word.startswith("--hash=sha256:")][:2]
    lock.write_text("farama-notifications==0.0.6 " + " ".join(f"--hash=sha256:{digest}" for digest in digests) + "\n")
    house = wheels.bring([lock], machine="x86_64", cache=tmp_path / "cache")
    assert [path.suffix for path in house.iterdir()] == [".whl"]


def test_a_host_without_a_debian_mirror_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake apt that knows only a mirror of another distribution."""
    monkeypatch.setattr(debian, "_TARGETS", "Other|Other|http://mirror.invalid/other")
    with pytest.raises(SandboxError, match="no Debian mirror"):
        list(debian._sources())


def test_the_command_says_what_failed_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["no-such-runtime", "--cache", str(tmp_path)]) == 1
    assert "no runtime 'no-such-runtime'" in capsys.readouterr().err
    assert build.main(["python-ml", "--json", "--cache", str(tmp_path)]) == 0
    assert image_tag("python-ml") in capsys.readouterr().out
