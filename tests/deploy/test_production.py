"""docker-compose.yml for real: one installation through a whole life under Compose 2, and a short one under 1.29."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.client.api import Api
from tests.deploy.house import SERVICES, House, accepted, submit
from tests.installation import DOUBLE, wait_for

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("deploy")]

REACH = """
import socket
def reached():
    for name, port in (("database", 5432), ("broker", 6379), ("api", 8000)):
        try:
            socket.create_connection((name, port), timeout=2).close()
        except OSError:
            continue
        yield name
"""
"""Who of the installation's own network answers."""
HOARDS = b"def double(x):\n    a = []\n    while True: a.append(bytearray(10**6))"
SLEEPS = b"import time\ndef double(x): time.sleep(5)"


@pytest.fixture(scope="module")
def house(images: None, compose_2: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    found = House(compose_2, tmp_path_factory.mktemp("two"))
    try:
        found.up()
        yield found
    finally:
        found.close()
        assert found.labelled() == []


@pytest.fixture(scope="module")
def clients(house: House) -> tuple[Api, Api]:
    return house.open()


def test_submissions_are_judged_and_a_box_reaches_nothing_of_the_installation(
    house: House, clients: tuple[Api, Api]
) -> None:
    admin, ada = clients
    shipped = house.judged(ada, "messy-orders", accepted("messy-orders"))
    assert (shipped["verdict"], shipped["score"]) == ("accepted", 100.0), shipped
    assert shipped["resources"]["peak_memory_mb"] > 20, "read from the host's cgroups, through the worker's mount"

    probing = f"{REACH}\nif list(reached()): raise SystemExit('it is open')\n{DOUBLE}"
    assert house.judged(ada, files={"solution.py": probing.encode()})["verdict"] == "accepted"
    # the same probe reaches all three where it may
    assert house.run("worker", ["python3", "-c", f"{REACH}\nprint(*reached())"]) == (0, "database broker api")

    greedy = house.judged(ada, files={"solution.py": HOARDS})
    assert greedy["verdict"] == "memory_limit", greedy
    (row,) = admin.leaderboard("season", None, 10)["rows"]
    assert (row["name"], row["solved"], row["rank"]) == ("ada", 2, 1)


def test_a_dockerfile_is_built_and_served(house: House, clients: tuple[Api, Api]) -> None:
    served = house.judged(clients[1], "toy-serve", accepted("toy-serve"))
    assert served["verdict"] == "accepted", served


def test_each_service_may_do_what_it_must_and_no_more(house: House) -> None:
    for service in SERVICES:
        about = house.container(service).attrs
        host = about["HostConfig"]
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and not host["Privileged"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert host["Memory"] > 0 and host["PidsLimit"] > 0 and host["Init"]
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert host["LogConfig"]["Config"]["max-size"]
        code, said = house.run(service, "id -u; grep -h ^CapEff /proc/1/status; touch /usr/x 2>&1")
        assert code != 0 and "Read-only file system" in said
        assert said.splitlines()[0] not in ("", "0") and said.splitlines()[1].endswith("0" * 16)
        published = {port: places for port, places in about["NetworkSettings"]["Ports"].items() if places}
        assert list(published) == (["8000/tcp"] if service == "api" else [])
        assert all(place["HostIp"] == "127.0.0.1" for places in published.values() for place in places)


def test_only_worker_and_reaper_have_the_engine_and_the_hidden_data(house: House, clients: tuple[Api, Api]) -> None:
    look = "test -S /var/run/docker.sock"
    hidden = "find /var/lib/assay -path '*hidden*' -type f | wc -l; test -s /var/lib/assay/secret"
    assert house.run("worker", look)[0] == 0
    wait_for(lambda: house.run("worker", hidden)[1] not in ("", "0"), "the first data to be prepared")
    assert house.run("reaper", look)[0] == 0
    assert list(house.container("reaper").attrs["NetworkSettings"]["Networks"]) == ["none"]
    assert house.run("reaper", "touch /var/lib/assay/x")[0] != 0
    for service in ("api", "broker", "database"):
        assert house.run(service, look)[0] != 0
        assert not [one for one in house.container(service).attrs["Mounts"] if "docker.sock" in one["Source"]]
    code, said = house.run("api", hidden)
    assert (code, said) == (1, "0")
    digest = "find /var/lib/assay/blobs -type f | sort | sha256sum"
    assert house.run("api", digest) == house.run("worker", digest), "uploads and public data are shared"
    assert house.run("worker", "cat /var/lib/assay/admin-token")[0] != 0
    assert house.run("api", "stat -c %a /var/lib/assay/admin-token") == (0, "600")


def _standing(clients: tuple[Api, Api]) -> tuple[Any, Any]:
    admin, ada = clients
    board = admin.leaderboard("season", None, 10)["rows"]
    return {one["id"]: (one["state"], one["verdict"]) for one in ada.submissions(50)}, board


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_lost_when_a_service_starts_again(house: House, clients: tuple[Api, Api], service: str) -> None:
    before, board = _standing(clients)
    assert "accepted" in str(before) and board[0]["solved"] >= 2
    started = house.container(service).attrs["State"]["StartedAt"]
    house.compose("restart", service)
    house.wait_healthy()
    assert house.container(service).attrs["State"]["StartedAt"] != started
    after, same = _standing(clients)
    assert after == before and same == board
    assert house.judged(clients[1])["verdict"] == "accepted"


def test_a_worker_that_is_stopped_gives_its_work_back_in_time(house: House, clients: tuple[Api, Api]) -> None:
    _, ada = clients
    waiting = submit(ada, "toy-call", {"solution.py": SLEEPS})
    wait_for(lambda: ada.submission(waiting)["state"] == "running", "the judging to begin")
    house.compose("stop", "worker")
    state = house.container("worker").attrs["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False), "it was not killed"
    assert ada.submission(waiting)["state"] == "queued"
    ada.cancel(waiting)
    house.compose("start", "worker")
    house.wait_healthy()


def test_no_password_is_told(house: House, clients: tuple[Api, Api]) -> None:
    told = house.told()
    assert house.instance in told and "ready to accept connections" in told.lower()
    for name, password in house.secrets.items():
        assert re.fullmatch("[0-9a-f]{64}", password)
        assert password not in told, f"{name} is told"
        assert house.run("worker", f"cat /run/secrets/{name}") == (0, password), "and it is the one in use"
    assert house.run("broker", "redis-cli ping")[1].startswith("NOAUTH")
    for service in SERVICES:  # nor by the list of processes
        assert not any(one in str(house.container(service).top()) for one in house.secrets.values())


def test_the_broker_forgets_nothing_it_was_told(house: House) -> None:
    asked = "appendonly appendfsync maxmemory maxmemory-policy"
    client = "client=$(command -v valkey-cli || command -v redis-cli); export REDISCLI_AUTH=$(cat /run/secrets/broker_password)"
    code, said = house.run("broker", f"{client}; $client config get {asked}")
    words = said.split()
    assert code == 0
    assert dict(zip(words[::2], words[1::2], strict=True)) == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": str(128 * 2**20),
        "maxmemory-policy": "noeviction",
    }


def test_the_same_file_under_docker_compose_1(images: None, compose_1: str, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    house = House(compose_1, folder)
    try:
        house.up()
        _, ada = house.open()
        assert house.judged(ada)["verdict"] == "accepted"
        told = house.told()
        assert not any(one in told for one in house.secrets.values())
        assert len(house.labelled()) >= len(SERVICES)
        house.down()
        assert house.labelled() == []
    finally:
        house.close()
