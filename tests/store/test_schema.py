"""The schema: migrations give exactly the tables, and what was stored comes back as it was."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlmodel import SQLModel

from api.store import Store, dialect
from api.store.database import migrations
from api.store.tables import Event, Person, Role
from tests.databases import Databases
from tests.store.world import World


def alembic_check(store: Store) -> None:
    with store.migrating() as connection:
        config = migrations()
        config.attributes["connection"] = connection
        command.check(config)


def test_migrations_are_up_to_date(world: World) -> None:
    alembic_check(world.store)


def test_a_table_without_a_migration_would_be_noticed(databases: Databases) -> None:
    store = Store(databases.new(migrated=False))
    store.migrate()
    with store.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE person DROP COLUMN created_at")
    with pytest.raises(CommandError):
        alembic_check(store)
    store.close()


def test_every_constraint_and_index_has_a_name_that_can_be_dropped(world: World) -> None:
    inspector = inspect(world.store.engine)
    for table in SQLModel.metadata.tables:
        assert all(unique["name"] for unique in inspector.get_unique_constraints(table))
        assert all(key["name"] for key in inspector.get_foreign_keys(table))


def test_down_and_up_again(databases: Databases) -> None:
    store = Store(databases.new(migrated=False))
    store.migrate()
    with store.migrating() as connection:
        config = migrations()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(store.engine).get_table_names() == ["alembic_version"]
    store.migrate()
    alembic_check(store)
    store.close()


def test_several_processes_may_start_at_once(databases: Databases) -> None:
    url = databases.new(migrated=False)
    failed: list[BaseException] = []

    def start() -> None:
        try:
            store = Store(url)
            store.migrate()
            store.close()
        except BaseException as error:  # noqa: BLE001 - it is told in the main thread
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    store = Store(url)
    alembic_check(store)
    store.close()


def test_many_first_connections_at_once_find_no_lock(tmp_path: Path) -> None:
    """Switching a new database to WAL is not covered by busy_timeout."""
    failed: list[Exception] = []
    for number in range(60):
        together = threading.Barrier(6)

        def connect(
            url: str = f"sqlite:///{tmp_path / f'{number}.db'}", together: threading.Barrier = together
        ) -> None:
            store = Store(url)
            together.wait()
            try:
                with store.engine.connect():
                    store.close()
            except OperationalError as error:
                failed.append(error)

        threads = [threading.Thread(target=connect) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_times_come_back_aware_and_naive_ones_are_refused(world: World) -> None:
    moment = datetime(2026, 5, 1, 10, 30, 0, 123000, tzinfo=UTC)
    with world.store.write() as session:
        session.add(Person(name="x", role=Role.participant, created_at=moment))
    with world.store.read() as session:
        found = session.get_one(Person, 2)
        assert found.created_at == moment
        assert found.created_at.tzinfo is not None
    with pytest.raises(StatementError), world.store.write() as session:
        session.add(Person(name="y", role=Role.participant, created_at=datetime(2026, 5, 1)))  # noqa: DTZ001


def test_enums_are_stored_by_value(world: World) -> None:
    world.submit("ann")
    with world.store.read() as session:
        row = session.connection().execute(text("SELECT state, lane FROM judging")).one()
    assert tuple(row) == ("queued", "contest")


def test_event_ids_are_never_given_twice(world: World) -> None:
    world.submit("ann")
    with world.store.write() as session:
        last = session.connection().execute(text("SELECT max(id) FROM event")).scalar_one()
        session.connection().exec_driver_sql("DELETE FROM event")
    world.submit("ben")
    with world.store.read() as session:
        first = session.connection().execute(text("SELECT min(id) FROM event")).scalar_one()
    assert first > last
    assert Event.__table_args__[-1] == {"sqlite_autoincrement": True}


def test_a_failed_write_leaves_nothing(world: World) -> None:
    def half_way() -> None:
        with world.store.write() as session:
            session.add(Person(name="half", role=Role.participant, created_at=world.clock.now))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_way()
    with world.store.read() as session:
        assert session.connection().execute(text("SELECT count(*) FROM person WHERE name='half'")).scalar_one() == 0


def test_foreign_keys_hold(world: World) -> None:
    world.submit("ann")
    with pytest.raises(IntegrityError), world.store.write() as session:
        session.connection().exec_driver_sql("UPDATE submission SET entry_id = 99")


def test_the_databases_clock_is_right(databases: Databases) -> None:
    store = Store(databases.new())
    assert abs((store.now() - datetime.now(UTC)).total_seconds()) < 2
    with store.read() as session:
        assert store.now(session).utcoffset() == timedelta(0)
    store.close()


def test_receipts_survive_a_power_cut_of_sqlite(sqlite: Databases) -> None:
    store = Store(sqlite.new())
    with store.read() as session:
        connection = session.connection()
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hush@h/d",
        "mysql://u@h/d?password=hush",
        "postgresql+psycopg://u:half@hush@h/d",
        "hush",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_another_database_is_refused_without_telling_its_password(url: str) -> None:
    with pytest.raises(dialect.UnsupportedDatabase) as refused:
        Store(url)
    assert "hush" not in str(refused.value)
