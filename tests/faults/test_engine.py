"""The engine is killed in mid-run and comes back: an engine of its own, so that no other test's boxes die with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import docker
import pytest

from api.store import submissions
from sandbox.containers import INSTANCE
from sandbox.images.build import resolve
from tests.databases import Databases
from tests.installation import DOUBLE, SLOW, Installation, wait_for
from worker.slots import ENGINE

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "ensure-docker"
AWAY_SECONDS = 20.0


class Engine:
    """A second engine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.host = f"unix://{folder}/docker.sock"

    def bring_image(self) -> None:
        """The one that toys run in."""
        image = resolve("python-ml")
        first = docker.from_env(timeout=300)
        with closing(docker.DockerClient(self.host, timeout=300)) as second:
            tags = first.images.get(image).tags
            second.images.load(first.api.get_image(tags[0]))
            assert second.images.get(image).tags == tags

    def start(self) -> None:
        environment = {key: value for key, value in os.environ.items() if key != "DOCKER_HOST"}
        subprocess.run([SCRIPT], env=environment | {"ENSURE_DOCKER_FOLDER": str(self._folder)}, check=True, timeout=110)

    def end(self, how: signal.Signals) -> None:
        """Its daemon and what that started; after a kill the programs in its containers go on, as they do."""
        number = int((self._folder / "dockerd.pid").read_text())
        os.kill(number, how)
        wait_for(lambda: not Path(f"/proc/{number}").exists(), "the engine to end", 40)

    def boxes(self, at: Installation) -> list[str]:
        with closing(docker.DockerClient(self.host, timeout=30)) as client:
            wanted = {"label": f"{INSTANCE}={at.settings.instance}"}
            found = client.api.containers(all=True, filters=wanted)
        return [one["Id"] for one in found if "assay.judging" in one["Labels"]]


@contextmanager
def second_engine() -> Iterator[Engine]:
    folder = Path(f"/tmp/assay-engine-{os.getpid()}")  # short enough for a socket's name
    folder.mkdir()
    engine = Engine(folder)
    engine.start()
    try:
        engine.bring_image()
        yield engine
    finally:
        with closing(docker.DockerClient(engine.host, timeout=30)) as client:
            for one in client.containers.list(all=True):
                one.remove(force=True, v=True)
        engine.end(signal.SIGTERM)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for one in reversed([mount for mount in mounts if mount.startswith(str(folder))]):
            subprocess.run(["umount", "--lazy", one], check=True)  # what the daemon that was killed had mounted
        shutil.rmtree(folder)


@pytest.mark.fault("F03")
@pytest.mark.timeout(400)
@pytest.mark.at_length
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start an engine")
def test_an_engine_that_is_killed_costs_nobody_anything(
    tmp_path: Path, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    with second_engine() as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        at = Installation(
            tmp_path / "data", database_url=databases.new(), builds="off", poll_without_broker_seconds=0.5
        )
        for name in ("bob", "eve"):
            at.join(name)
        with at.worker() as worker:
            assert at.wait(at.submit(DOUBLE), 90) == "accepted", "the control"
            running = [at.submit(SLOW), at.submit(SLOW, person="bob")]
            wait_for(lambda: len(engine.boxes(at)) >= 2, "two boxes")
            engine.end(signal.SIGKILL)
            begun = time.monotonic()
            waiting = at.submit(DOUBLE, person="eve")
            wait_for(
                lambda: submissions.find(at.store, waiting, owner=None).held_reason == ENGINE,
                "those who wait to be told",
            )
            spent = len(at.attempts(waiting))
            time.sleep(max(0.0, AWAY_SECONDS - (time.monotonic() - begun)))
            assert len(at.attempts(waiting)) == spent <= 1, "no claim is spent on an engine that is away"
            engine.start()
            for one in (*running, waiting):
                assert at.wait(one, 90) == "accepted", (at.verdicts(one), at.attempts(one))
                assert at.judging(one).strikes == 0
                assert len(at.attempts(one)) <= 3
            assert at.wait(at.submit(DOUBLE)) == "accepted"
            assert worker.poll() is None
            wait_for(lambda: not engine.boxes(at), "every box to be removed", 60)
        at.audit()
        at.store.close()
