"""A real database that goes away and comes back: 503 meanwhile, and no start is needed afterwards."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.api.house import House, built, refused
from tests.databases import Cluster, Databases


@pytest.fixture
def house(tmp_path: Path, postgres: Databases) -> Iterator[House]:
    with built(tmp_path, database_url=postgres.new()) as house:
        yield house


@pytest.fixture
def server(_postgres: Cluster) -> Iterator[psycopg.Connection[tuple[str, ...]]]:
    with _postgres.connect() as connection:
        yield connection


def allow(server: psycopg.Connection[tuple[str, ...]], house: House, connections: bool) -> None:
    name = house.context.store.engine.url.database
    assert name is not None
    order = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    server.execute(order.format(sql.Identifier(name), sql.Literal(connections)))
    if not connections:
        server.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.mark.fault("F11")
def test_a_database_that_goes_and_comes_back(house: House, server: psycopg.Connection[tuple[str, ...]]) -> None:
    sent = house.submitted("ann")
    allow(server, house, False)
    try:
        for answer in (house.submit("ann"), house.get(f"/submissions/{sent}", "ann"), house.get("/leaderboards/cup")):
            refused(answer, 503, "database_unavailable")
            assert answer.headers["retry-after"] == "2"
        ready = house.client.get("/readyz")
        assert (ready.status_code, ready.json()["database"]) == (503, False)
        assert house.client.get("/healthz").status_code == 200
    finally:
        allow(server, house, True)
    assert house.client.get("/readyz").json()["database"] is True
    house.submitted("ann")
    assert len(house.get("/submissions", "ann").json()["submissions"]) == 2
