"""A whole database out of one installation and into another; knows no file beside it."""

from dataclasses import dataclass
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func
from sqlmodel import col, delete, select

from api.store import audit, dialect, judgings
from api.store.copies import CopyFailed
from api.store.database import Store, migrations
from api.store.tables import Judging, Outcome, State, Submission, Worker

__all__ = ["CopyFailed", "Counts", "dump", "is_empty", "kind", "load", "revision", "revisions"]


@dataclass(frozen=True)
class Counts:
    """What a database holds: submissions, and how many of their judgings are not over."""

    submissions: int
    unfinished: int


def kind(url: str) -> str:
    """Which database it is: `sqlite` or `postgresql`; a copy fits its own kind only."""
    return dialect.of(url)[1].get_backend_name()


def dump(url: str, to: Path) -> None:
    """Writes a copy of the database as of one moment. Raises CopyFailed."""
    made, parsed = dialect.of(url)
    made.dump(parsed, to)


def is_empty(url: str) -> bool:
    """Whether a copy may be put there."""
    made, parsed = dialect.of(url)
    return made.is_empty(parsed)


def load(copy: Path, url: str) -> Counts:
    """Puts a copy into an empty database, brings its schema up to date and gives back what was running.

    Raises CopyFailed, and then the database is as empty as before.
    """
    made, parsed = dialect.of(url)
    made.load(copy, parsed)
    store = Store(url)
    try:
        store.migrate()
        with store.write() as session:
            now = store.now(session)
            # Its workers are those of another place and time; that is no fault of what they were judging.
            for judging in session.exec(select(Judging).where(Judging.state == State.running)):
                judgings.release(
                    session,
                    judging,
                    Outcome.given_back,
                    now=now,
                    reason="restored from a backup",
                    delay_seconds=0.0,
                    strike=False,
                    caps=(judging.strikes + 1, judging.attempts + 1),
                )
            session.exec(delete(Worker))
            audit.note(session, "installation.restore", "database", by=None, at=now)
            unfinished = select(func.count()).select_from(Judging).where(col(Judging.ended_at).is_(None))
            return Counts(
                submissions=session.exec(select(func.count()).select_from(Submission)).one(),
                unfinished=session.exec(unfinished).one(),
            )
    finally:
        store.close()


def revision(url: str) -> str | None:
    """The revision of the database's schema; None if it has none."""
    store = Store(url)
    try:
        with store.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        store.close()


def revisions() -> set[str]:
    """All revisions of the schema that this version can bring up to date."""
    return {script.revision for script in ScriptDirectory.from_config(migrations()).walk_revisions()}
