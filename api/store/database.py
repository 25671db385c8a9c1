"""The Store: opens the database, hands out reading and writing sessions, tells the time; knows no table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import Session

from api.store import dialect


class Store:
    """One database. `clock` replaces the database's clock in tests."""

    def __init__(self, url: str, *, pool_size: int = 25, clock: Callable[[], datetime] | None = None) -> None:
        self.engine = dialect.make_engine(url, pool_size=pool_size)
        self._writer = self.engine.execution_options(**{dialect.WRITE: True})
        self._clock = clock

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one snapshot; whatever is changed in it is thrown away."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one write transaction: committed at the end, rolled back on any error."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            # Take the write lock now, so that everything read below is still true when we write.
            session.connection()
            yield session

    def now(self, session: Session | None = None) -> datetime:
        """The database's clock (aware, UTC), the only clock that decides order, deadlines and leases."""
        if self._clock is not None:
            return self._clock()
        if session is not None:
            return dialect.now(session.connection())
        with self.engine.connect() as connection:
            return dialect.now(connection)

    def migrate(self) -> None:
        """Brings the schema up to date; safe when several processes start at once."""
        config = migrations()
        head = ScriptDirectory.from_config(config).get_current_head()
        with self.engine.connect() as connection:
            if MigrationContext.configure(connection).get_current_revision() == head:
                return
        with dialect.migrating(self.engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        self.engine.dispose()


def migrations() -> Config:
    """Alembic's configuration; the scripts travel inside the package."""
    config = Config()
    config.set_main_option("script_location", "api.store:migrations")
    return config
