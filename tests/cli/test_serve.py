"""`assay serve` as a person starts it: real processes, the real engine, the client's verbs, and death of every part."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
import pytest

from cli.client.api import Api
from cli.client.config import Account
from cli.embedded import Broker
from sandbox.containers import INSTANCE
from tests.cli.conftest import Assay
from tests.installation import DOUBLE, SLOW, TOYS, wait_for

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 12.0


class Served:
    """One `assay serve`, the lines it has said, and the processes below it."""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.url = f"http://127.0.0.1:{port}"
        self.token = ""
        self.lines: list[str] = []
        environment = {
            **os.environ,
            "ASSAY_CHALLENGES": str(TOYS),
            "ASSAY_SWEEP_SECONDS": "0.5",
            "PYTHONPATH": str(ROOT),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "serve", "--port", str(port), "--data", str(data)],
            env=environment | {"ASSAY_LEASE_SECONDS": "6", "ASSAY_FENCE_SECONDS": "4", "ASSAY_RENEW_SECONDS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def said(self) -> str:
        return "".join(self.lines)

    def ready(self, times: int = 1) -> None:
        wait_for(
            lambda: self.said.count("| ready after") >= times or self.process.poll() is not None, "it to be ready", 90
        )
        assert self.process.poll() is None, self.said

    def child(self, verb: str) -> int | None:
        """The process id of the child that runs this verb."""
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            with suppress(OSError):
                if verb.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    return int(pid)
        return None

    def boxes(self) -> list[str]:
        label = f"{INSTANCE}={(self.data / 'instance').read_text().strip()}"
        return [one["Id"] for one in docker.from_env().api.containers(all=True, filters={"label": label})]

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS)
        self._reader.join()
        return code

    def drop(self) -> None:
        """Whatever the test did: nothing of it goes on."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(30)
        broker = Broker(self.data / "broker")
        broker.stop()
        wait_for(lambda: not self.boxes(), "the last box to go", 60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def judge(data: Path) -> Iterator[Served]:
    """A judge that is ready, with ada entered in `cup`."""
    found = Served(data, free_port())
    try:
        found.ready()
        with Api(Account(found.url, (found.data / "admin-token").read_text().strip())) as admin:
            admin.create_competition("cup", "Cup", ["toy-call", "toy-run"])
            ada = admin.create_person("ada")
            admin.add_entry("cup", "ada")
            found.token = admin.create_token(ada["id"], "test")
        yield found
    finally:
        found.drop()


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One judge for the tests that leave it as they found it."""
    with judge(tmp_path_factory.mktemp("standing") / "data") as found:
        yield found
        assert found.end() == 0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A judge for one test."""
    with judge(tmp_path / "data") as found:
        yield found


@pytest.fixture(autouse=True)
def ada(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """She is at the terminal of whichever judge the test has."""
    for name in {"standing", "served"} & set(request.fixturenames):
        found: Served = request.getfixturevalue(name)
        monkeypatch.setenv("ASSAY_URL", found.url)
        monkeypatch.setenv("ASSAY_TOKEN", found.token)
    (home / "double.py").write_text(DOUBLE)
    (home / "slow.py").write_text(SLOW)


@pytest.mark.timeout(240)
def test_from_start_to_verdict_to_stop(served: Served, assay: Assay) -> None:
    assert f"the judge is at {served.url}" in served.said
    assert f"the administrator's token is in {served.data / 'admin-token'}" in served.said
    assert assay("submit", "toy-call", "double.py").exit_code == 0
    Path("wrong.py").write_text("def double(x): return x")
    wrong = assay("submit", "toy-call", "wrong.py")
    assert (wrong.exit_code, "look at small numbers" in wrong.stdout) == (3, True)
    assert "ada" in assay("leaderboard").stdout
    waiting = assay("submit", "toy-call", "slow.py", "--no-wait").stdout.split()[1].rstrip(",")
    wait_for(lambda: "running" in assay("status", waiting).stdout, "it to run")
    parts = [served.child("api"), served.child("worker"), Broker(served.data / "broker").pid()]
    assert None not in parts
    assert served.end() == 0
    assert served.said.endswith("serve  | stopped\n")
    assert served.boxes() == []
    assert [pid for pid in parts if pid is None or alive(pid)] == []
    again = Served(served.data, int(served.url.rpartition(":")[2]))
    try:
        again.ready()
        assert assay("status", waiting, "--wait").exit_code == 0, "what was interrupted has its verdict"
        assert again.end() == 0
    finally:
        again.drop()


def begun(status: str) -> bool:
    """Whether a slot has taken it; on a busy machine it may be over before anybody looks again."""
    assert "judge_error" not in status
    return "running" in status or "accepted" in status


@pytest.mark.timeout(240)
@pytest.mark.fault("F04")
def test_whatever_dies_is_mended_and_nothing_is_lost(standing: Served, assay: Assay) -> None:
    broker = Broker(standing.data / "broker")
    find: dict[str, Callable[[], int | None]] = {
        "api": lambda: standing.child("api"),
        "worker": lambda: standing.child("worker"),
        "reaper": lambda: standing.child("reaper"),
        "broker": broker.pid,
    }
    for pid in find.values():
        receipt = assay("submit", "toy-call", "slow.py", "--no-wait").stdout.split()[1].rstrip(",")
        first = pid()
        assert first is not None
        wait_for(lambda id=receipt: begun(assay("status", id).stdout), "it to run")  # type: ignore[misc]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda pid=pid, first=first: pid() not in (None, first), "another one")  # type: ignore[misc]
        assert assay("status", receipt, "--wait").exit_code == 0
        assert assay("submit", "toy-call", "double.py").exit_code == 0


@pytest.mark.timeout(240)
def test_when_it_is_killed_itself_its_children_leave_and_the_next_one_adopts_the_broker(
    served: Served, assay: Assay
) -> None:
    broker = Broker(served.data / "broker")
    parts, kept = [served.child(name) for name in ("api", "worker", "reaper")], broker.pid()
    served.process.kill()
    served.process.wait()
    begin = time.monotonic()
    again = Served(served.data, int(served.url.rpartition(":")[2]))
    try:
        again.ready()
        assert "broker | adopted" in again.said
        assert broker.pid() == kept
        assert [pid for pid in parts if pid is None or alive(pid)] == []
        assert time.monotonic() - begin < 60
        assert assay("submit", "toy-call", "double.py").exit_code == 0
        assert again.end() == 0
    finally:
        again.drop()


@pytest.mark.timeout(240)
def test_it_will_not_share_its_folder_or_take_a_port_twice(standing: Served, assay: Assay, tmp_path: Path) -> None:
    port = standing.url.rpartition(":")[2]

    def refused(*more: str) -> str:
        command = [sys.executable, "-m", "cli.main", "serve", "--port", port, *more]
        result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
        assert result.returncode == 1
        return result.stderr

    assert "already runs with the data folder" in refused("--data", str(standing.data))
    assert f"Port {port}" in refused("--data", str(tmp_path / "other"))
    assert assay("submit", "toy-call", "double.py").exit_code == 0, "the first one does not mind"


@pytest.mark.timeout(120)
def test_a_judge_that_cannot_come_up_says_why_and_ends(tmp_path: Path) -> None:
    environment = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/nobody.sock", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=90)
    assert result.returncode == 1
    assert "worker | assay: " in result.stdout
    assert "Docker engine" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    assert result.stderr == "assay: The worker ended at once (exit code 1); its reason stands above.\n"
    assert Broker(tmp_path / "data" / "broker").pid() is None


def test_a_rush_is_rehearsed_and_every_receipt_has_its_verdict(
    standing: Served, assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("sum.py").write_text("print(sum(map(int, open('data/numbers.txt'))), file=open('sum.txt', 'w'))")
    rush = ("load", "cup", "toy-call=double.py", "toy-run=sum.py", "--people", 3, "--submissions", 4, "--minutes", 0.1)
    refused = assay(*rush)
    assert (refused.exit_code, "administrator" in refused.output) == (1, True), refused.output
    monkeypatch.setenv("ASSAY_TOKEN", (standing.data / "admin-token").read_text().strip())
    result = assay(*rush, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["sent"], told["lost"], told["refused"], told["verdicts"]) == (12, 0, {}, {"accepted": 12})
    assert 0 < told["receipt_p50"] <= told["receipt_p99"]
    assert 0 < told["verdict_p50"] <= told["verdict_p95"] <= told["verdict_p99"]
    wrong = assay("load", "cup", "double.py")
    assert (wrong.exit_code, "as churn-f1=solution.py" in wrong.output) == (2, True)
    nowhere = assay("load", "nowhere", "toy-call=double.py", "--people", 1, "--minutes", 0.1)
    assert nowhere.exit_code == 1
    assert "no such competition" in " ".join(nowhere.output.split())
