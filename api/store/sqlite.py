"""SQLite as a dialect: one file, one writer at a time (BEGIN IMMEDIATE), readers on their snapshots (WAL)."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from api.store.copies import CopyFailed

BUSY_MILLISECONDS = 10_000
_WRITE = "assay_write"


def make_engine(url: URL, *, pool_size: int) -> Engine:
    """An engine whose writing transactions queue for the one writer."""
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_timeout=10, hide_parameters=True)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def reading(engine: Engine) -> Engine:
    """The engine itself: in WAL every transaction reads one snapshot."""
    return engine


def writing(engine: Engine, *, shared: bool) -> Engine:
    """The engine whose transactions write; there is one writer, so shared ones are alone as well."""
    return engine.execution_options(**{_WRITE: True})


def now(connection: Connection) -> datetime:
    """The database's clock, to the millisecond."""
    value = connection.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")).scalar_one()
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def lock(connection: Connection, name: str) -> None:
    """Nothing to do: the one writer has every lock."""


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A connection in one write transaction in which tables may be rebuilt (batch mode needs foreign keys off)."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys=OFF")  # has no effect inside a transaction, so before it
        try:
            with connection.execution_options(**{_WRITE: True}).begin():
                yield connection
        finally:
            driver.execute("PRAGMA foreign_keys=ON")


def dump(url: URL, to: Path) -> None:
    """The file as of one moment, by SQLite's own online backup. Raises CopyFailed."""
    try:
        with (
            closing(sqlite3.connect(f"{_file(url).as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(to)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    except sqlite3.Error as error:
        raise CopyFailed(f"SQLite: {error}") from error


def load(copy: Path, url: URL) -> None:
    """The copy as the database's file, which appears whole or not at all. Raises CopyFailed."""
    file = _file(url)
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (
            closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as source,
            closing(sqlite3.connect(part)) as target,
        ):
            source.backup(target)
            (verdict,) = target.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise CopyFailed(f"SQLite: {verdict}")
        part.rename(file)
    except sqlite3.Error as error:
        raise CopyFailed(f"SQLite: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def is_empty(url: URL) -> bool:
    """Whether there is no file, or one of length 0."""
    file = _file(url)
    return not file.exists() or file.stat().st_size == 0


def _file(url: URL) -> Path:
    return Path(str(url.database)).absolute()


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
    write = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
