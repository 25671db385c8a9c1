"""PostgreSQL's own: what every connection is set to, and that a database that is away is told as just that."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from api.store import Store, dialect, postgres, sqlite
from api.store.postgres import CONNECTION, SETTINGS
from api.store.tables import Person, Role
from tests.databases import Databases


@contextmanager
def opened(url: str, **options: str) -> Iterator[Store]:
    """A store whose connections have these settings beside ours, or ours alone."""
    given = "%20".join(f"-c%20{name}={value}" for name, value in options.items())
    store = Store(url.partition("&options=")[0] + (f"&options={given}" if given else ""))
    yield store
    store.close()


@pytest.fixture
def url(postgres: Databases) -> str:  # the fixture, not the module
    return postgres.new()


def show(store: Store, name: str) -> str:
    with store.read() as session:
        return str(session.connection().execute(text(f"SHOW {name}")).scalar_one())


def test_the_settings_of_every_connection(url: str) -> None:
    with opened(url) as store:
        assert {name: show(store, name) for name in SETTINGS} == {**SETTINGS, "timezone": "UTC"}
        with store.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            assert driver.info.get_parameters().items() >= CONNECTION.items()
        for session, isolation, read_only in (
            (store.read(), "repeatable read", "on"),
            (store.write(), "read committed", "off"),
            (store.write(shared=True), "read committed", "off"),
        ):
            with session as found:
                connection = found.connection()
                assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == isolation
                assert connection.execute(text("SHOW transaction_read_only")).scalar_one() == read_only


def test_migrations_may_take_longer(url: str) -> None:
    with opened(url) as store:
        with store.migrating() as connection:
            assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "10min"
            assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "1min"
        assert show(store, "statement_timeout") == "5s"


def test_what_an_operator_sets_in_the_url_holds(url: str) -> None:
    with opened(url, statement_timeout="7s", search_path="elsewhere") as store:
        assert (show(store, "statement_timeout"), show(store, "search_path")) == ("7s", "elsewhere")
        assert show(store, "lock_timeout") == "2s"


def test_a_url_without_a_driver_is_ours(url: str) -> None:
    with opened(url.replace("postgresql+psycopg:", "postgresql:")) as store:
        assert store.engine.dialect.driver == "psycopg"
        assert store.now().tzinfo is not None


def test_a_reading_session_sees_one_snapshot_and_writes_nothing(url: str) -> None:
    with opened(url) as store, store.read() as session:
        assert session.exec(select(Person)).all() == []
        with store.write() as other:
            other.add(Person(name="x", role=Role.participant, created_at=store.now(other)))
        assert session.exec(select(Person)).all() == []
        with pytest.raises(OperationalError, match="read-only"):
            session.connection().exec_driver_sql("DELETE FROM person")


def end_others(store: Store) -> None:
    with store.engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


def test_a_connection_that_breaks_is_replaced(url: str) -> None:
    def breaks_before_a_statement() -> None:
        with store.write() as session:
            end_others(other)
            session.exec(select(Person)).all()

    def breaks_before_the_commit() -> None:
        with store.write() as session:
            session.add(Person(name="x", role=Role.participant, created_at=store.now(session)))
            session.flush()
            end_others(other)

    with opened(url) as store, opened(url) as other:
        store.now()
        end_others(other)
        assert store.now().tzinfo is not None, "between transactions nobody notices"
        for act in (breaks_before_a_statement, breaks_before_the_commit):
            with pytest.raises(OperationalError):
                act()
        with store.write() as session:
            assert session.exec(select(Person)).all() == [], "what was not committed is not there"


def test_whatever_takes_too_long_is_a_database_that_is_away(url: str) -> None:
    def long_statement(store: Store) -> None:
        with store.read() as session:
            session.connection().exec_driver_sql("SELECT pg_sleep(30)")

    def long_pause(store: Store) -> None:
        with store.write() as session:
            time.sleep(0.5)
            session.exec(select(Person)).all()

    with opened(url, statement_timeout="50ms") as store, pytest.raises(OperationalError, match="statement timeout"):
        long_statement(store)
    with opened(url, idle_in_transaction_session_timeout="50ms") as store, pytest.raises(OperationalError):
        long_pause(store)


def test_a_server_that_takes_no_writes_is_away(url: str) -> None:
    def write(store: Store) -> None:
        with store.write() as session:
            session.add(Person(name="x", role=Role.participant, created_at=store.now(session)))

    with opened(url, default_transaction_read_only="on") as store:
        assert store.now().tzinfo is not None
        with pytest.raises(OperationalError, match="read-only"):
            write(store)


@pytest.mark.parametrize(
    "address", ["u:hush@127.0.0.1:1/d", "u:hush@nowhere.invalid/d", "u@127.0.0.1:1/d?password=hush"]
)
def test_a_server_that_is_not_there_is_told_without_the_password(address: str) -> None:
    store = Store(f"postgresql+psycopg://{address}")
    with pytest.raises(OperationalError) as away:
        store.now()
    assert "hush" not in str(away.value)
    assert "hush" not in repr(store.engine)
    store.close()


def test_two_dialects_are_all_there_are() -> None:
    assert {dialect.of(url)[0] for url in ("sqlite:///x.db", "postgresql://h/d")} == {sqlite, postgres}
