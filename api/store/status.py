"""How the judge is doing, in a few numbers; knows nothing about any one submission."""

from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import col, select

from api.store import turns, workers
from api.store.database import Store
from api.store.tables import Judging, State
from api.store.workers import WorkerView


@dataclass(frozen=True)
class Status:
    """Judgings by state, the longest wait in seconds, who works, and how long a submission handed in now may take."""

    queued: int
    running: int
    oldest_seconds: float
    workers: list[WorkerView]
    eta_seconds: float | None
    """Until its verdict; None when there is nothing to go by."""


def status(store: Store) -> Status:
    """The state of the queue and its workers now."""
    with store.read() as session:
        now = store.now(session)
        busy = (State.queued, State.running)
        counted = session.exec(
            select(Judging.state, func.count()).where(col(Judging.state).in_(busy)).group_by(col(Judging.state))
        ).all()
        counts = dict(counted)
        oldest = session.exec(select(func.min(col(Judging.received_at))).where(Judging.state == State.queued)).one()
        queued = counts.get(State.queued, 0)
        return Status(
            queued=queued,
            running=counts.get(State.running, 0),
            oldest_seconds=max(0.0, (now - oldest).total_seconds()) if oldest else 0.0,
            workers=workers.known(session, now),
            eta_seconds=turns.eta_seconds(session, None, now),
        )
