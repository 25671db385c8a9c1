"""Metrics as a real scrape sees them: requests by template, the queue, a database that is away; ids of requests."""

import socket
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api import metrics
from api.metrics import QueueCollector
from api.store import Store, judgings, workers
from tests.api.house import built


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def values(text: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def scrape(port: int) -> dict[str, float]:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return values(answer.read().decode())


def test_a_scrape_tells_of_queue_requests_and_version(tmp_path: Path) -> None:
    port = free_port()
    with built(tmp_path, api_metrics_port=port) as house:
        workers.heartbeat(house.context.store, "w", 3)
        house.submitted("ann")
        house.submitted("ben")
        assert judgings.claim(house.context.store, worker="w", lease_seconds=45)
        house.get("/submissions/" + "x" * 22, "ann")
        house.client.get("/no/such/path/" + "y" * 50)
        house.client.request("BREW", "/healthz")
        time.sleep(0.02)
        found = scrape(port)
        assert house.client.get("/metrics").status_code == 404, "not where strangers are"
    assert (found["assay_queued"], found["assay_running"]) == (1, 1)
    assert (found["assay_slots"], found["assay_slots_free"], found["assay_workers"]) == (3, 2, 1)
    assert 0 < found["assay_queue_oldest_seconds"] < 60
    assert found["assay_database_up"] == 1
    assert found["assay_build_info{version=0.1.0}"] == 1
    assert found["assay_http_requests_total{method=POST,route=/api/v1/submissions,status=2xx}"] == 2
    assert found["assay_http_requests_total{method=GET,route=/api/v1/submissions/{submission_id},status=4xx}"] == 1
    assert found["assay_http_requests_total{method=GET,route=none,status=4xx}"] == 1
    assert found["assay_http_request_seconds_count{route=/api/v1/submissions}"] == 2
    assert not any("BREW" in name or "yyy" in name or "xxx" in name for name in found)
    with pytest.raises(OSError):
        scrape(port)


def test_two_apis_in_one_process_count_for_themselves(tmp_path: Path) -> None:
    with built(tmp_path / "a") as one, built(tmp_path / "b") as other:
        one.client.get("/healthz")
        name = "assay_http_requests_total{method=GET,route=/healthz,status=2xx}"
        registries = [house.app.state.metrics.registry for house in (one, other)]
        assert [values(generate_latest(it).decode()).get(name, 0) for it in registries] == [1, 0]


def test_a_taken_port_is_told_in_one_sentence(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="metrics cannot be shown"),
        built(tmp_path, api_metrics_port=taken.getsockname()[1]),
    ):
        pass


def test_a_database_that_is_away_or_hangs_is_a_number_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "db").mkdir()
    store = Store(f"sqlite:///{tmp_path / 'db' / 'assay.db'}")
    store.migrate()
    collector = QueueCollector(store, seconds=0.5)

    def up() -> dict[str, float]:
        return {family.name: family.samples[0].value for family in collector.collect()}

    assert up()["assay_database_up"] == 1, "the control"
    store.close()
    (tmp_path / "db").rename(tmp_path / "gone")
    assert up() == {"assay_database_up": 0}
    (tmp_path / "gone").rename(tmp_path / "db")
    assert up()["assay_database_up"] == 1

    asked = []

    def hangs(_: Store) -> None:
        asked.append(time.monotonic())
        time.sleep(8)

    with monkeypatch.context() as patch:
        patch.setattr(metrics, "status", hangs)
        begin = time.monotonic()
        assert up() == {"assay_database_up": 0}
        assert up() == {"assay_database_up": 0}
        assert time.monotonic() - begin < 7
        assert len(asked) == 1, "what hangs is not asked again"
    store.close()


def test_every_answer_has_an_id_of_ours_even_an_unforeseen_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with built(tmp_path) as house:
        mine = {"X-Request-Id": "mine\x7f"}
        seen = [house.client.get("/healthz", headers=mine).headers["x-request-id"] for _ in range(3)]
        assert len(set(seen)) == 3
        assert all(len(one) == 16 and int(one, 16) >= 0 for one in seen)

        def breaks(_: Store) -> None:
            raise RuntimeError("unforeseen")

        monkeypatch.setattr("api.store.status.status", breaks)
        answer = house.get("/status")
        assert answer.status_code == 500
        assert answer.headers["x-request-id"]
        text = generate_latest(house.app.state.metrics.registry).decode()
        assert values(text)["assay_http_requests_total{method=GET,route=/api/v1/status,status=5xx}"] == 1
