"""Settings, the first start, and what the running api says of itself and does by itself."""

import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from api.auth import Principal
from api.feedback import significant
from api.settings import Settings
from api.store import judgings, people, workers
from api.store.submissions import Eyes
from api.store.tables import Role, Scope
from tests.api.house import House, built
from tests.databases import Databases


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "change",
    [
        {"lease_seconds": 0}, {"sweep_seconds": -1}, {"max_body_kb": 0}, {"upload_min_rate": 0}, {"slots": -1},
        {"port": 65536}, {"max_strikes": 0}, {"fence_seconds": 45}, {"renew_seconds": 30}, {"lease_seconds": "soon"},
    ],
)  # fmt: skip
def test_limits_that_limit_nothing_are_refused(change: dict[str, Any]) -> None:
    assert Settings(lease_seconds=50)
    with pytest.raises(ValidationError):
        Settings(**change)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path))
    monkeypatch.setenv("ASSAY_CHALLENGES", "/a:/b/c:")
    monkeypatch.setenv("ASSAY_PORT", "8123")
    found = Settings()
    assert (found.data, found.challenges, found.port) == (tmp_path, [Path("/a"), Path("/b/c")], 8123)
    assert found.database == f"sqlite:///{tmp_path}/assay.db"
    assert found.slots_in_force >= 1


def test_an_installation_keeps_its_name(tmp_path: Path) -> None:
    first, second = Settings(data=tmp_path / "one"), Settings(data=tmp_path / "two")
    assert first.instance == Settings(data=tmp_path / "one").instance != second.instance
    for path in (first.data, first.blobs_dir, first.hidden_dir):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_an_installation_in_parts_is_given_its_name(tmp_path: Path) -> None:
    given = Settings(data=tmp_path / "one", instance_id="season-24")
    assert given.instance == "season-24"
    assert not (tmp_path / "one" / "instance").exists()
    for unfit in ("-x", "Season", "a/b", "a b", "a" * 41):
        with pytest.raises(ValidationError):
            Settings(instance_id=unfit)


def test_a_password_comes_out_of_a_file_and_stands_in_no_setting(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret/with@odd:signs\n")
    found = Settings(
        database_url="postgresql://assay@database:5432/assay?connect_timeout=5",
        database_password_file=file,
        broker_url="redis://broker:6379/0",
        broker_password_file=file,
    )
    database = make_url(found.database)
    assert (database.password, database.username, database.host) == ("s3cret/with@odd:signs", "assay", "database")
    assert (database.database, database.query) == ("assay", {"connect_timeout": "5"})
    assert found.broker == "redis://:s3cret%2Fwith%40odd%3Asigns@broker:6379/0"
    assert "s3cret" not in repr(found) + found.model_dump_json()
    file.write_text("another")
    assert make_url(found.database).password == "another"


@pytest.mark.parametrize(
    "url", ["", "sqlite:////tmp/x.db", "postgresql://assay:known@database/assay", "redis+socket:///tmp/x.sock"]
)
def test_a_password_file_needs_a_place_for_its_password(tmp_path: Path, url: str) -> None:
    file = tmp_path / "password"
    file.write_text("x")
    for name in ("database", "broker"):
        given: dict[str, Any] = {f"{name}_url": url, f"{name}_password_file": file}
        with pytest.raises(ValidationError, match="without a password"):
            Settings(**given)


def test_a_password_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    for file in (tmp_path / "missing", tmp_path / "empty"):
        (tmp_path / "empty").touch()
        with pytest.raises(ValidationError, match=f"{file}"):
            Settings(broker_url="redis://broker", broker_password_file=file)


def test_the_first_administrator(tmp_path: Path, databases: Databases) -> None:
    with built(tmp_path, database_url=databases.new(migrated=False)) as house:
        file = house.context.settings.admin_token_file
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert house.get("/people/me", "admin").json()["role"] == "admin"
        token = file.read_text()
    again = Settings(data=tmp_path / "data")
    assert again.admin_token_file.read_text() == token
    assert not people.ensure_admin(house.context.store, lambda _: pytest.fail("nobody is made twice"))


def test_roles_and_scopes_are_both_needed() -> None:
    every = frozenset(Scope)
    assert Principal(1, "a", frozenset({Role.admin}), every).sees is None
    assert Principal(1, "a", frozenset({Role.admin}), every - {Scope.admin}).sees == Eyes(1, staff=True)
    assert Principal(1, "a", frozenset({Role.participant}), every).sees == Eyes(1, staff=True)
    assert Principal(1, "a", frozenset({Role.participant}), frozenset({Scope.read})).sees == Eyes(1)


def test_health_and_readiness(house: House) -> None:
    assert house.client.get("/healthz").json() == {"status": "ok"}
    ready = {"ready": True, "database": True, "blobs": True, "worker": False}
    answer = house.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, ready)
    workers.heartbeat(house.context.store, "w", 2)
    assert house.client.get("/readyz").json() == ready | {"worker": True}
    (house.context.blobs.root / "tmp").rmdir()
    answer = house.client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"], answer.json()["blobs"]) == (503, False, False)


def test_the_state_of_the_queue(house: House) -> None:
    house.submitted("ann")
    house.submitted("ben")
    workers.heartbeat(house.context.store, "some-host:1234", 2)
    judgings.claim(house.context.store, worker="some-host:1234", lease_seconds=45)
    answer = house.get("/status")
    found = answer.json()
    assert (found["queued"], found["running"], found["slots"]) == (1, 1, 2)
    assert [(worker["slots"], worker["live"]) for worker in found["workers"]] == [(2, True)]
    assert "some-host" not in answer.text, "the public need not know our machines"


def test_the_api_sweeps_too(tmp_path: Path, databases: Databases) -> None:
    with built(
        tmp_path, database_url=databases.new(), sweep_seconds=0.1, renew_seconds=0.1, retry_base_seconds=0.01
    ) as house:
        workers.heartbeat(house.context.store, "w", 1)
        sent = house.submitted("ann")
        rung = house.bell.rung
        assert judgings.claim(house.context.store, worker="w", lease_seconds=0.1)
        until(lambda: house.get(f"/submissions/{sent}", "ann").json()["state"] == "queued")
        until(lambda: house.bell.rung > rung)
        assert judgings.claim(house.context.store, worker="w", lease_seconds=45)


def test_data_are_prepared_and_then_downloaded(house: House) -> None:
    answer = house.get("/challenges/alpha/data")
    assert (answer.status_code, answer.json()["code"]) == (503, "data_preparing")
    assert answer.headers["retry-after"]
    assert house.get("/challenges/alpha").json()["data"] is None
    secret = house.context.blobs.put([b"hidden rows"])
    house.build("alpha", {"train.csv": b"a,b\n1,2\n", "notes/read.me": b"x"}, hidden=secret)
    listed = house.get("/challenges/alpha")
    assert listed.json()["data"] == [{"name": "notes/read.me", "size": 1}, {"name": "train.csv", "size": 8}]
    assert secret not in listed.text
    answer = house.get("/challenges/alpha/data")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="alpha-data.zip"'
    assert answer.content[:2] == b"PK"
    assert b"hidden" not in answer.content


def test_a_challenge_is_described_and_its_authors_html_is_text(house: House) -> None:
    assert [line["slug"] for line in house.get("/challenges").json()] == ["alpha", "gamma", "beta"]
    found = house.get("/challenges/alpha").json()
    assert "<script>" not in found["statement_html"]
    assert "<h2>Limits</h2>" in found["statement_html"]
    assert found["limits"]["memory_mb"] == 256
    assert {file["name"]: file["encoding"] for file in found["starter"]} == {
        "raw.bin": "base64", "solution.py": "utf-8",
    }  # fmt: skip
    assert "folder" not in found


@pytest.mark.parametrize(
    ("number", "digits", "shown"),
    [(0.0, 2, 0.0), (1.23456, 2, 1.2), (-0.000123456, 3, -0.000123), (987654.0, 2, 990000.0), (99.9, 2, 100.0)],
)
def test_significant_digits(number: float, digits: int, shown: float) -> None:
    assert significant(number, digits) == shown
