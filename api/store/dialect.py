"""Which database an installation has, and what every database must supply; knows no table.

What a database must supply: an engine, the clock, reading transactions on one snapshot, writing transactions of two
kinds, locks by name, a transaction for migrations, and copies of the whole.

A writing transaction is either alone (no other write happens until it ends, so whatever it reads stays true) or
shared: other shared ones run beside it, and it must itself lock the rows its decisions rest on. SQLite has one writer
and no need for the difference. Alone is the default, and right for everything rare; `Store.write(shared=True)` is
for the moves that every submission makes.
"""

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from api.store import postgres, sqlite


class UnsupportedDatabase(Exception):
    """Operator's fault: the database URL names a database this version cannot use."""


class Dialect(Protocol):
    """What differs between databases, and nothing else; the modules `sqlite` and `postgres` are the two there are."""

    def make_engine(self, url: URL, *, pool_size: int) -> Engine:
        """An engine whose every connection has the settings this database needs."""

    def reading(self, engine: Engine) -> Engine:
        """The engine whose transactions see one snapshot."""

    def writing(self, engine: Engine, *, shared: bool) -> Engine:
        """The engine whose transactions write, alone or beside other shared ones."""

    def now(self, connection: Connection) -> datetime:
        """The database's clock at this moment (not at the begin of the transaction), to the millisecond."""

    def lock(self, connection: Connection, name: str) -> None:
        """Waits until no other transaction has the lock of this name, and keeps it until the transaction ends."""

    def migrating(self, engine: Engine) -> AbstractContextManager[Connection]:
        """A connection in one writing transaction, alone, in which tables may be rebuilt and may take their time."""

    def dump(self, url: URL, to: Path) -> None:
        """Writes a copy of the database as it is at one moment, while others may write. Raises CopyFailed."""

    def load(self, copy: Path, url: URL) -> None:
        """Puts a copy into a database that has nothing in it: all of it or nothing. Raises CopyFailed."""

    def is_empty(self, url: URL) -> bool:
        """Whether the database has nothing in it, or is not there yet where it would be made."""


def of(url: str) -> tuple[Dialect, URL]:
    """The dialect for a database URL, and the URL it can open. Raises UnsupportedDatabase, which tells no password."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UnsupportedDatabase("the database URL has not the form of one") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return sqlite, parsed
    if backend == "postgresql":
        if "@" in (parsed.host or ""):
            raise UnsupportedDatabase("the database URL has more than one @: write that of a password as %40")
        return postgres, parsed.set(drivername="postgresql+psycopg")
    shown = parsed.set(query={}).render_as_string(hide_password=True)
    raise UnsupportedDatabase(f"only a SQLite file and PostgreSQL are supported, not {shown}")
