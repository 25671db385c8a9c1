"""What differs between databases, and nothing else; SQLite today.

Another database is another branch of these functions. It must supply: an engine, the clock, a write transaction that
no other can interleave with, and event ids that become visible in their own order (SQLite's
one writer gives the last two for nothing).
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text

WRITE = "assay_write"
BUSY_MILLISECONDS = 10_000


class UnsupportedDatabase(Exception):
    """Operator's fault: the database URL names a database this version cannot use."""


def make_engine(url: str, *, pool_size: int) -> Engine:
    """An engine whose read transactions see one snapshot and whose write transactions queue for the one writer.

    Raises UnsupportedDatabase.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise UnsupportedDatabase(f"only a SQLite file is supported, not {parsed.render_as_string()}")
    Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_timeout=10, hide_parameters=True)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")  # a receipt must survive a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """Switch a new database to WAL. busy_timeout does not cover this, so who finds it locked tries again."""
    end = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _on_begin(connection: Connection) -> None:
    # A reading transaction that turns into a writing one fails at once, whatever busy_timeout says: say it first.
    write = connection.get_execution_options().get(WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def now(connection: Connection) -> datetime:
    """The database's clock, to the millisecond."""
    value = connection.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")).scalar_one()
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A connection in one write transaction in which tables may be rebuilt (batch mode needs foreign keys off)."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys=OFF")  # has no effect inside a transaction, so before it
        try:
            with connection.execution_options(**{WRITE: True}).begin():
                yield connection
        finally:
            driver.execute("PRAGMA foreign_keys=ON")
