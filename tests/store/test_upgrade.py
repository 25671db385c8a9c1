"""An old database with data in it: at every revision it is brought up to date, loses nothing, and the judge works on."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from api.store import Store, accept, judgings, leaderboards, people, standings, submissions
from api.store.database import migrations
from api.store.tables import Scope, State
from tests.databases import Databases
from tests.store.test_schema import alembic_check
from tests.store.world import report

REVISIONS = [script.revision for script in ScriptDirectory.from_config(migrations()).walk_revisions()][::-1]
SECRET = "assay_" + "s" * 43
DAY = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
FIRST: dict[str, list[dict[str, Any]]] = {
    "person": [
        {"id": 1, "name": "admin", "role": "admin", "created_at": DAY},
        {"id": 2, "name": "ånn", "role": "participant", "created_at": DAY},
    ],
    "token": [
        {
            "id": 1,
            "person_id": 2,
            "digest": "82f22d46b2e5ba3d3d4ea38d0a9e5ef8ee4a1e0a2d1b6ac0e6a8d7e0b8f4d3c1",
            "prefix": SECRET[:10],
            "last4": SECRET[-4:],
            "label": "laptop",
            "scopes": ["read", "submit"],
            "created_at": DAY,
            "revoked_at": None,
        }
    ],
    "competition": [
        {"id": 1, "slug": "cup", "title": "Cup", "opens_at": DAY, "closes_at": None, "created_at": DAY},
        {"id": 2, "slug": "past", "title": "Past", "opens_at": DAY, "closes_at": DAY, "created_at": DAY},
    ],
    "competition_challenge": [
        {"id": 1, "competition_id": 1, "challenge": "alpha", "position": 0, "points": 100, "version": "v1"}
    ],
    "entry": [{"id": 1, "competition_id": 1, "person_id": 2, "name": "ånn", "created_at": DAY}],
    "submission": [
        {
            "id": f"submission{number:012}",
            "kind": "scored",
            "person_id": 2,
            "entry_id": 1,
            "competition_challenge_id": 1,
            "challenge": "alpha",
            "received_at": DAY + timedelta(seconds=number),
            "digest": "d" * 64,
            "size": 10,
            "files": ["solution.py"],
            "idempotency_key": f"key {number}",
            "receipt": {"id": f"submission{number:012}", "competition": "cup", "challenge": "alpha"},
        }
        for number in (1, 2)
    ],
    "judging": [
        {
            "id": number,
            "submission_id": f"submission{number:012}",
            "entry_id": 1,
            "challenge": "alpha",
            "version": "v1",
            "received_at": DAY + timedelta(seconds=number),
            "lane": "contest",
            "state": "done" if number == 1 else "queued",
            "stage": None,
            "held_reason": None,
            "epoch": 2 - number,
            "owner": None,
            "lease_until": None,
            "attempts": 2 - number,
            "strikes": 0,
            "not_before": None,
            "effective": True,
            "ended_at": DAY + timedelta(seconds=9) if number == 1 else None,
        }
        for number in (1, 2)
    ],
    "attempt": [
        {
            "id": 1,
            "judging_id": 1,
            "epoch": 1,
            "worker": "host-1",
            "started_at": DAY,
            "ended_at": DAY + timedelta(seconds=9),
            "outcome": "committed",
            "reason": "",
            "struck": False,
            "evidence": {"nonce": "x"},
        }
    ],
    "verdict": [
        {
            "id": 1,
            "judging_id": 1,
            "attempt_id": 1,
            "epoch": 1,
            "verdict": "accepted",
            "score": 80.0,
            "private_score": 75.5,
            "report": report(80.0, 75.5).as_json(),
            "created_at": DAY,
        }
    ],
    "standing": [
        {
            "id": number,
            "competition_id": 1,
            "board": board,
            "view": view,
            "entry_id": 1,
            "score": points if board else None,
            "points": points,
            "solved": 1,
            "submission_id": "submission000000000001" if board else None,
            "reached_at": DAY + timedelta(seconds=1),
        }
        for number, (board, view, points) in enumerate(
            [("", "public", 80.0), ("", "private", 75.5), ("alpha", "public", 80.0), ("alpha", "private", 75.5)], 1
        )
    ],
    "event": [
        {
            "id": 1,
            "at": DAY,
            "audience": "public",
            "kind": "board",
            "submission_id": None,
            "competition_id": 1,
            "payload": {"points": 80.0},
        }
    ],
    "outbox": [{"id": 1, "judging_id": 2, "created_at": DAY}],
    "challenge_build": [
        {
            "id": 1,
            "challenge": "alpha",
            "version": "v1",
            "seed_epoch": 0,
            "public_digest": "p" * 64,
            "hidden_digest": "h" * 64,
            "created_at": DAY,
        }
    ],
    "audit": [{"id": 1, "at": DAY, "person_id": None, "action": "person.create", "subject": "admin", "detail": {}}],
    "worker": [{"name": "host-1", "slots": 2, "started_at": DAY, "heartbeat_at": DAY, "info": {"engine": "20.10"}}],
}
"""What an installation held at revision 0001, in an order that foreign keys allow. History: it never changes."""


def at_revision(store: Store, revision: str) -> None:
    with store.migrating() as connection:
        config = migrations()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def fill(store: Store) -> None:
    """Puts the rows in, through the tables as the database has them and not as today's code would."""
    with store.migrating() as connection:
        for name, rows in FIRST.items():
            there = {column["name"]: column["type"] for column in sa.inspect(connection).get_columns(name)}
            for row in rows:
                columns = [sa.column(key, _plain(there[key])) for key in row]
                connection.execute(sa.table(name, *columns).insert().values(_values(connection, row)))
        if connection.dialect.name == "postgresql":
            for name, rows in FIRST.items():
                if "id" in rows[0] and isinstance(rows[0]["id"], int):
                    sequence = sa.text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)")
                    connection.execute(sequence, {"name": name, "last": len(rows)})


def _plain(kind: Any) -> Any:
    """The type as the driver's own values fit it: SQLite says DATETIME of what is text to it."""
    return sa.DateTime(timezone=True) if isinstance(kind, sa.DateTime) else kind


def _values(connection: sa.Connection, row: dict[str, Any]) -> dict[str, Any]:
    naive = connection.dialect.name == "sqlite"  # which keeps moments as text, in UTC
    return {
        key: value.replace(tzinfo=None) if naive and isinstance(value, datetime) else value
        for key, value in row.items()
    }


MOVED = {("entry", "person_id"): "(SELECT person_id FROM member WHERE entry_id = entry.id)"}
"""Where a later revision keeps what stood in a column at the first one."""


def kept(store: Store) -> dict[str, list[dict[str, Any]]]:
    """What is there of the rows and columns that were put in, in words that mean the same everywhere."""
    found = {}
    with store.read() as session:
        connection = session.connection()
        for name, rows in FIRST.items():
            there_are = {column["name"] for column in sa.inspect(connection).get_columns(name)}
            columns = ", ".join(f'"{key}"' if key in there_are else f'{MOVED[name, key]} AS "{key}"' for key in rows[0])
            order = "id" if "id" in rows[0] else "name"
            there = connection.execute(sa.text(f"SELECT {columns} FROM {name} ORDER BY {order}")).mappings()
            found[name] = [{key: _comparable(value, rows[0][key]) for key, value in row.items()} for row in there]
    return found


def _comparable(value: Any, like: Any) -> Any:
    if isinstance(like, dict | list) and isinstance(value, str):
        return json.loads(value)
    if isinstance(like, bool):
        return bool(value)
    if isinstance(value, str) and value[:11] == "2026-03-01 ":
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_old_database_comes_up_with_all_that_is_in_it(databases: Databases, revision: str) -> None:
    store = Store(databases.new(migrated=False))
    at_revision(store, REVISIONS[0])
    fill(store)
    assert kept(store) == FIRST, "the control: it was all put in"
    at_revision(store, revision)
    store.migrate()
    alembic_check(store)
    assert kept(store) == FIRST
    _works(store)
    store.close()


def test_a_database_with_data_goes_down_and_up_again(databases: Databases) -> None:
    store = Store(databases.new(migrated=False))
    at_revision(store, REVISIONS[0])
    fill(store)
    store.migrate()
    with store.migrating() as connection:
        config = migrations()
        config.attributes["connection"] = connection
        command.downgrade(config, REVISIONS[0])
    assert kept(store) == FIRST
    store.migrate()
    alembic_check(store)
    assert kept(store) == FIRST
    _works(store)
    store.close()


def _works(store: Store) -> None:
    """What was there is judged and shown, and new things get ids of their own."""
    assert standings.differences(store) == []
    assert [(row.name, row.points) for row in leaderboards.board(store, "cup").rows] == [("ånn", 80.0)]
    assert submissions.find(store, "submission000000000001", owner=2).verdict == "accepted"
    offer = accept.Offer(2, "alpha", "v1", "cup", "d" * 64, 10, ["solution.py"], "key 1")
    assert accept.accept(store, offer)["id"] == "submission000000000001", "a key is still known"
    new = accept.accept(store, accept.Offer(2, "alpha", "v1", "cup", "e" * 64, 10, ["solution.py"]))
    for expected in ("submission000000000002", new["id"]):
        claim = judgings.claim(store, worker="w", lease_seconds=45)
        assert claim is not None
        assert claim.submission_id == expected
        assert judgings.commit(store, claim, report(90.0), evidence={})
    assert submissions.find(store, str(new["id"]), owner=2).state is State.done
    _, secret = people.create_token(store, 2, "new", [Scope.read], by=2)
    caller = people.authenticate(store, secret)
    assert caller is not None
    assert caller.name == "ånn"
    assert standings.differences(store) == []
    assert not people.ensure_admin(store, lambda _: pytest.fail("there is one"))
