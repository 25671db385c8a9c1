"""PostgreSQL as a dialect, by psycopg: who may write beside whom, and how long anything may wait.

Writing transactions are READ COMMITTED, so that a statement after a lock sees what was committed while it waited, and
begin with one advisory lock: alone they take it for themselves, shared ones together. Nothing here loses a race or a
serialisation and needs to be run again: who would lose waits first. All locks are taken in one order - that of
writers, a worker's by name, rows of person or judging and entry, that of late rows - so that no two transactions can
wait for each other.

An id is given when a row is inserted and seen when its transaction is committed, so that a lower id could appear after
a higher one; who reads events from the last id on would miss it. Events are therefore written last in a transaction,
under a lock that is held until the commit (`Store.write`).
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, inspect, text
from sqlalchemy.exc import OperationalError

from api.store.copies import CopyFailed

SETTINGS = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    # A process that was stopped in the middle of a transaction must not hold its locks for longer.
    "idle_in_transaction_session_timeout": "10s",
    "synchronous_commit": "on",  # a receipt must survive a power cut
    "timezone": "UTC",
}
"""Of every connection; what the URL's own `options` say comes after them."""

CONNECTION = {
    "application_name": "assay",
    "connect_timeout": "5",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "15000",
}
"""How soon a server that is gone without a word is noticed; the URL may say otherwise."""

MIGRATION = {"lock_timeout": "60s", "statement_timeout": "600s", "idle_in_transaction_session_timeout": "600s"}

_WRITE = "assay_write"
_AWAY = (psycopg.errors.IdleInTransactionSessionTimeout, psycopg.errors.ReadOnlySqlTransaction)


def make_engine(url: URL, *, pool_size: int) -> Engine:
    """An engine that notices a server that went away, and reports it as OperationalError whatever the driver says."""
    given = {name: value if isinstance(value, str) else " ".join(value) for name, value in url.query.items()}
    if "password" in given:
        url = url.set(password=given.pop("password"))  # where it is never shown
    own = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    options = f"{own} {given.get('options', '')}"
    engine = create_engine(
        url.set(query=CONNECTION | given | {"options": options}),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _on_begin)
    event.listen(engine, "handle_error", _on_error)
    return engine


def reading(engine: Engine) -> Engine:
    """The engine whose transactions see one snapshot, and cannot write."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def writing(engine: Engine, *, shared: bool) -> Engine:
    """The engine whose transactions write, alone or beside other shared ones."""
    return engine.execution_options(isolation_level="READ COMMITTED", **{_WRITE: "shared" if shared else "alone"})


def now(connection: Connection) -> datetime:
    """The database's clock at this moment, to the millisecond: that of the transaction may be as old as its wait."""
    value = connection.execute(text("SELECT date_trunc('milliseconds', clock_timestamp())")).scalar_one()
    assert isinstance(value, datetime)
    return value.astimezone(UTC)


def lock(connection: Connection, name: str) -> None:
    """Waits until no other transaction has the lock of this name, and keeps it until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"assay {name}"})


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A connection in one writing transaction, alone: of several processes that start at once one migrates."""
    with engine.connect() as connection:
        connection.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            for name, value in MIGRATION.items():
                connection.exec_driver_sql(f"SET LOCAL {name} = '{value}'")
            lock(connection, "write")
            yield connection


def dump(url: URL, to: Path) -> None:
    """What `pg_dump` writes in its own format, which is compressed. Raises CopyFailed."""
    _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={to}")


def load(copy: Path, url: URL) -> None:
    """What `pg_restore` makes of it, in one transaction. Raises CopyFailed."""
    _run("pg_restore", url, "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(copy))


def is_empty(url: URL) -> bool:
    """Whether no table of anybody's is in it."""
    engine = make_engine(url, pool_size=1)
    try:
        return not inspect(engine).get_table_names()
    finally:
        engine.dispose()


def _run(program: str, url: URL, *arguments: str) -> None:
    """One of PostgreSQL's own programs on this database; the password is in no command line."""
    parts = url.translate_connect_args(username="user", database="dbname") | dict(url.query)
    password = str(parts.pop("password", ""))
    target = psycopg.conninfo.make_conninfo(**{name: str(value) for name, value in parts.items()})
    environment = dict(os.environ, LC_ALL="C")  # noqa: TID251 - libpq reads it there, as it does in this process
    if password:
        environment["PGPASSWORD"] = password
    command = [program, f"--dbname={target}", "--no-password", *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError:
        raise CopyFailed(
            f"{program} is not there: install PostgreSQL's client programs of the server's version"
        ) from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise CopyFailed(said[0] if said else f"{program} ended with {done.returncode}")


def _on_begin(connection: Connection) -> None:
    match connection.get_execution_options().get(_WRITE):
        case "alone":
            lock(connection, "write")
        case "shared":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock_shared(hashtextextended('assay write', 0))")


def _on_error(context: ExceptionContext) -> Exception | None:
    """A connection that was ended for dawdling, or leads to a server that is not the primary: the database is away."""
    if isinstance(context.original_exception, _AWAY):
        return OperationalError(context.statement, None, context.original_exception, hide_parameters=True)
    return None
