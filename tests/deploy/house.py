"""An installation of docker-compose.yml under a name of its own: its services, what the engine knows of them, its judge."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker

from api.blobs import pack
from challenges.loader import load, solutions
from cli.client.api import Api
from cli.client.config import Account
from tests.installation import DOUBLE, TOYS, wait_for

PROJECT = Path(__file__).resolve().parents[2]
SERVICES = ("api", "broker", "database", "reaper", "worker")
SECONDS = 150.0
CHALLENGES = ("messy-orders", "toy-call", "toy-serve")
"""One that is shipped, and two that lie in the installation's own folder."""
DOUBLES = {"solution.py": DOUBLE.encode()}


class House:
    """One project of compose. `program` is the compose to use, `folder` a new one for its files."""

    def __init__(self, program: str, folder: Path) -> None:
        self.folder = folder
        self.name = f"assay-test-{folder.name}-{time.monotonic_ns() % 10**9}"
        self._program = program
        self._engine = docker.from_env()
        (folder / "deploy").mkdir(parents=True)
        for name in ("docker-compose.yml", ".env.example", "deploy/init"):
            shutil.copy(PROJECT / name, folder / name)
        shutil.copytree(TOYS, folder / "deploy" / "challenges")
        subprocess.run([folder / "deploy" / "init", "--local-images"], check=True, capture_output=True)
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{one.getsockname()[1]}"
        self.url = f"http://{address}"
        settings = folder / ".env"
        chosen = settings.read_text().replace("=127.0.0.1:8000", f"={address}")
        settings.write_text(chosen + "ASSAY_HEALTH_INTERVAL=1s\n")
        self.instance = settings.read_text().split("ASSAY_INSTANCE_ID=")[1].split()[0]
        self.secrets = {path.name: path.read_text().strip() for path in (folder / "deploy" / "secrets").iterdir()}

    def compose(self, *arguments: str, seconds: float = 240, check: bool = True) -> str:
        """What compose said; fails with it."""
        command = [self._program, "--project-name", self.name, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds
        )
        if check and done.returncode != 0:
            logs = self.compose("logs", "--tail=40", check=False) if arguments[0] == "up" else ""
            raise AssertionError(f"{' '.join(arguments)} ended with {done.returncode}\n{done.stderr}\n{logs}")
        return done.stdout

    def up(self) -> None:
        """Start everything and wait until it is healthy."""
        self.compose("up", "--detach", "--no-build")
        self.wait_healthy()

    def down(self) -> None:
        """Remove everything, data as well."""
        self.compose("down", "--volumes", "--timeout", "60")

    def wait_healthy(self) -> None:
        """Until the engine calls every service healthy. Fails with the logs of the services."""

        def all_healthy() -> bool:
            found = [self.container(one).attrs for one in SERVICES]
            assert all(one["RestartCount"] < 3 for one in found), "a service does not start"
            return all(one["State"]["Health"]["Status"] == "healthy" for one in found)

        try:
            wait_for(all_healthy, "healthy services", SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.compose('logs', '--tail=40', check=False)}") from None

    def container(self, service: str) -> Any:
        """The engine's word on the container of a service."""
        wanted = [f"com.docker.compose.project={self.name}", f"com.docker.compose.service={service}"]
        (found,) = self._engine.containers.list(all=True, filters={"label": wanted})
        return found

    def run(self, service: str, program: str | list[str]) -> tuple[int, str]:
        """Exit code and output of a command, or of a shell program, in a running service.

        One that fails without a word is run again: an engine now and then loses what was said at the very end.
        """
        command = program if isinstance(program, list) else ["sh", "-c", program]
        for _ in range(3):
            code, said = self.container(service).exec_run(command)
            if said or not code:
                break
        return int(code), said.decode(errors="replace").strip()

    def labelled(self) -> list[str]:
        """Everything on the engine that carries the name of this project or of its installation."""
        mine = {"label": f"com.docker.compose.project={self.name}"}
        boxes = {"label": f"assay.instance={self.instance}"}
        engine = self._engine
        found = [*engine.containers.list(all=True, filters=mine), *engine.containers.list(all=True, filters=boxes)]
        found += [*engine.networks.list(filters=mine), *engine.volumes.list(filters=mine)]
        return [one.name for one in found] + [one.id for one in engine.images.list(filters=boxes, all=True)]

    def open(self) -> tuple[Api, Api]:
        """A competition with one challenge and one person in it: the administrator's client, and the person's."""
        code, token = self.run("api", "cat /var/lib/assay/admin-token")
        assert code == 0, token
        admin = Api(Account(url=self.url, token=token))
        admin.create_competition("season", "A season", list(CHALLENGES))
        person = admin.create_person("ada")
        admin.add_entry("season", "ada")
        return admin, Api(Account(url=self.url, token=admin.create_token(person["id"], "test")))

    def judged(self, person: Api, challenge: str = "toy-call", files: Mapping[str, bytes] = DOUBLES) -> dict[str, Any]:
        """The final state of a submission that is handed in now."""
        id = submit(person, challenge, files)
        final: dict[str, Any] = wait_for(
            lambda: (seen := person.submission(id, wait=10))["state"] == "done" and seen,
            f"the verdict of {id}",
            SECONDS,
        )
        return final

    def told(self) -> str:
        """Everything compose and the engine tell about the services: their configuration, their state and their logs."""
        inspected = json.dumps([self.container(one).attrs for one in SERVICES])
        return inspected + self.compose("config") + self.compose("logs", "--no-color")

    def close(self) -> None:
        """Whatever happened, leave nothing behind."""
        self.compose("down", "--volumes", "--timeout", "20", check=False)
        self._engine.close()


def submit(person: Api, challenge: str, files: Mapping[str, bytes]) -> str:
    """Hand it in, several files as one archive; its id."""
    ((name, content),) = files.items() if len(files) == 1 else [("solution.zip", pack(files))]
    return str(person.submit(challenge, "season", name, content)["id"])


def accepted(challenge: str) -> Mapping[str, bytes]:
    """One of its solutions that are right."""
    (folder,) = [*PROJECT.glob(f"challenges/*/{challenge}"), *TOYS.glob(f"*/{challenge}")]
    return next(one.files for one in solutions(load(folder)) if one.kind == "accepted")
