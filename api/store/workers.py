"""Who works: one heartbeat row a worker; knows nothing of what they hold."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from api.store.database import Store
from api.store.tables import Worker

LIVE_SECONDS = 60.0
"""A worker that has been silent for longer is not counted as working."""

LACKS = "lacks"
"""The key of `Worker.info` under which it says what it cannot judge yet, and why."""


@dataclass(frozen=True)
class WorkerView:
    name: str
    slots: int
    started_at: datetime
    heartbeat_at: datetime
    live: bool
    lacks: dict[str, str]
    """Why it cannot judge a challenge yet, by short name."""


def heartbeat(store: Store, worker: str, slots: int, *, info: dict[str, Any] | None = None) -> None:
    """Says that this worker lives and has so many slots."""
    with store.write() as session:
        beat(session, worker, store.now(session), slots=slots, info=info)


def beat(
    session: Session, worker: str, now: datetime, *, slots: int | None = None, info: dict[str, Any] | None = None
) -> None:
    """The heartbeat in the caller's transaction; what is None stays as it was."""
    row = session.get(Worker, worker) or Worker(name=worker, slots=0, started_at=now, heartbeat_at=now)
    row.heartbeat_at = now
    if slots is not None:
        row.slots = slots
    if info is not None:
        row.info = info
    session.add(row)


def leave(store: Store, worker: str) -> None:
    """Forgets a worker that stops in good order."""
    with store.write() as session:
        row = session.get(Worker, worker)
        if row is not None:
            session.delete(row)


def known(session: Session, now: datetime) -> list[WorkerView]:
    """All workers on record, by name."""
    since = now - timedelta(seconds=LIVE_SECONDS)
    rows = session.exec(select(Worker).order_by(col(Worker.name)))
    return [
        WorkerView(w.name, w.slots, w.started_at, w.heartbeat_at, w.heartbeat_at >= since, w.info.get(LACKS, {}))
        for w in rows
    ]


def lacks(session: Session, challenge: str, now: datetime) -> str | None:
    """Why nobody who works can judge a challenge yet; None when somebody can, or when nobody works at all."""
    live = [worker for worker in known(session, now) if worker.live]
    if not all(challenge in worker.lacks for worker in live):
        return None
    return next((worker.lacks[challenge] for worker in live), None)


def live_slots(session: Session, now: datetime) -> int:
    """Slots of all workers that live."""
    return sum(worker.slots for worker in known(session, now) if worker.live)
