"""`assay audit`: a whole installation passes, and what is missing, left behind or silent is named with exit code 1."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from api.blobs import Blobs
from api.settings import Settings
from api.store import Store, invariants
from sandbox.containers import INSTANCE
from sandbox.images.build import Pinned
from tests.cli.conftest import Assay
from tests.store.world import World, report
from worker.host import own_host


@pytest.fixture
def installation(home: Path) -> Iterator[World]:
    """The installation of the working folder, with one judged submission."""
    settings = Settings()
    settings.prepare()
    store = Store(settings.database)
    store.migrate()
    store.close()
    world = World.at(settings.database)
    digest = Blobs(settings.blobs_dir).put([b"print(6 * 7)"])
    world.submit("ann", digest=digest)
    world.judge(report(80))
    yield world
    world.store.close()


def told(assay: Assay, *args: object) -> dict[str, dict[str, Any]]:
    result = assay("audit", "--json", *args)
    found = {one["invariant"]: one for one in json.loads(result.stdout)}
    assert result.exit_code == any(one["breaches"] for one in found.values())
    return found


def broken(found: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    return {name: [line["what"] for line in one["breaches"]] for name, one in found.items() if one["breaches"]}


def test_a_whole_installation_passes(assay: Assay, installation: World) -> None:
    result = assay("audit")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line.split()[:2] for line in lines] == [["--" if n == 7 else "ok", f"I{n}"] for n in range(1, 11)]
    assert "no --url was given" in lines[6]


def test_a_damaged_file_is_found_and_named(assay: Assay, installation: World) -> None:
    blobs = Blobs(Settings().blobs_dir)
    (digest,) = [path.name for path in blobs.root.glob("??/*")]
    blobs.path(digest).write_bytes(b"something else")
    assert broken(told(assay)) == {"I1": [f"its files {digest} are missing or damaged"]}
    blobs.path(digest).unlink()
    result = assay("audit")
    assert result.exit_code == 1
    assert f"its files {digest} are missing or damaged" in result.output


def test_of_many_breaches_some_are_told_and_the_rest_is_counted(assay: Assay, installation: World) -> None:
    for number in range(invariants.MOST + 4):
        installation.submit("ann", digest=f"{number:064x}")
    lines = assay("audit").output.splitlines()
    assert sum("missing or damaged" in line for line in lines) == invariants.MOST
    assert "         and 4 more" in lines


def test_a_container_without_a_worker_is_left_behind(assay: Assay, installation: World) -> None:
    settings = Settings()
    api = docker.from_env()
    container = api.containers.create(Pinned()("python-ml"), labels={INSTANCE: settings.instance}, network_mode="none")
    try:
        found = told(assay)["I4"]
        assert [one["what"] for one in found["breaches"]] == ["belongs to no worker"]
        with own_host(settings.worker_lock):
            found = told(assay)["I4"]
            assert (found["breaches"], found["skipped"][:26]) == ([], "a worker runs on this host")
    finally:
        container.remove(force=True)
    assert told(assay)["I4"]["breaches"] == []


class Answer(http.server.BaseHTTPRequestHandler):
    """An api that is ready, or not."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_an_api_is_asked(assay: Assay, installation: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        found = told(assay, "--url", url)["I7"]
        assert (found["breaches"], found["skipped"]) == ([], "")
        monkeypatch.setattr(Answer, "status", 503)
        assert broken(told(assay, "--url", url)) == {"I7": ["/readyz answers 503"]}
        server.shutdown()
    (what,) = broken(told(assay, "--url", url))["I7"]
    assert what.startswith("no answer: ")


def test_where_nothing_is_installed_that_is_said(assay: Assay, home: Path) -> None:
    result = assay("audit")
    assert result.exit_code == 2
    assert "There is no installation at" in result.output
    assert not (home / "assay-data").exists()
