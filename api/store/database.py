"""The Store: opens the database, hands out reading and writing sessions, tells the time; knows no table."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlmodel import Session, SQLModel

from api.store import dialect

_LATE = "assay_late"


class Store:
    """One database. `clock` replaces the database's clock in tests. Raises UnsupportedDatabase."""

    def __init__(self, url: str, *, pool_size: int = 25, clock: Callable[[], datetime] | None = None) -> None:
        self._dialect, parsed = dialect.of(url)
        self.engine = self._dialect.make_engine(parsed, pool_size=pool_size)
        self._reader = self._dialect.reading(self.engine)
        self._writers = {shared: self._dialect.writing(self.engine, shared=shared) for shared in (False, True)}
        self._clock = clock

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one snapshot; whatever is changed in it is thrown away."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self, *, shared: bool = False) -> Iterator[Session]:
        """A session in one write transaction: committed at the end, rolled back on any error.

        No other write happens meanwhile, except that shared ones run beside each other: who asks for that locks the
        rows on which its decisions rest (`with_for_update`), or takes `lock`.
        """
        with Session(self._writers[shared], expire_on_commit=False) as session, session.begin():
            # Begin now, so that everything read below is still true when we write.
            session.connection()
            yield session
            late = session.info.pop(_LATE, None)
            if late:
                session.flush()
                self.lock(session, "late")
                session.add_all(late)

    def lock(self, session: Session, name: str) -> None:
        """Waits for the lock of this name, which the transaction then keeps; for what no row stands for."""
        self._dialect.lock(session.connection(), name)

    def now(self, session: Session | None = None) -> datetime:
        """The database's clock (aware, UTC), the only clock that decides order, deadlines and leases."""
        if self._clock is not None:
            return self._clock()
        if session is not None:
            return self._dialect.now(session.connection())
        with self.engine.connect() as connection:
            return self._dialect.now(connection)

    def migrating(self) -> AbstractContextManager[Connection]:
        """A connection in one write transaction in which the schema may be changed."""
        return self._dialect.migrating(self.engine)

    def migrate(self) -> None:
        """Brings the schema up to date; safe when several processes start at once."""
        config = migrations()
        head = ScriptDirectory.from_config(config).get_current_head()
        with self.engine.connect() as connection:
            if MigrationContext.configure(connection).get_current_revision() == head:
                return
        with self.migrating() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        self.engine.dispose()


def add_late(session: Session, row: SQLModel) -> None:
    """Adds a row at the end of the write transaction, so that ids of its table become visible in their own order."""
    session.info.setdefault(_LATE, []).append(row)


def migrations() -> Config:
    """Alembic's configuration; the scripts travel inside the package."""
    config = Config()
    config.set_main_option("script_location", "api.store:migrations")
    return config
