"""Asks the database what nobody is taking care of, and takes care of it; any number of processes may do so at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func
from sqlmodel import Session, col, delete, select
from sqlmodel.sql.expression import SelectOfScalar

from api.store import judgings, turns, workers
from api.store.database import Store
from api.store.tables import Judging, Outbox, Outcome, State

OUTBOX_SECONDS = 2.0
BATCH = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SweepCounts:
    """What one pass did: leases that had expired, messages delivered late, judgings that could run and did not."""

    expired: int
    outbox: int
    runnable: int


def sweep(
    store: Store,
    *,
    retry_base_seconds: float = 2.0,
    max_strikes: int = 3,
    max_attempts: int = 10,
    ring: Callable[[], None],
) -> SweepCounts:
    """One pass: gives back what a dead worker held, delivers what the outbox still holds, rings for idle workers.

    An expired lease counts as a strike: its worker died while the submission was running. The next try waits
    `retry_base_seconds` * 2^attempts.
    """
    expired = _expired(store, retry_base_seconds, (max_strikes, max_attempts))
    with store.read() as session:
        now = store.now(session)
        due = now - timedelta(seconds=OUTBOX_SECONDS)
        owed = session.exec(select(Outbox.id).where(col(Outbox.created_at) < due).limit(BATCH)).all()
        runnable = judgings.count_runnable(session, now)
        stranded = turns.stranded(session)
        idle = runnable > 0 and _running(session) < workers.live_slots(session, now)
    if stranded:
        with store.write(shared=True) as session:
            for entry_id, challenge in stranded:
                turns.release_held(session, entry_id, challenge)
        log.warning("judgings.stranded", released=len(stranded))
    if owed or idle or stranded:
        ring()
    if owed:
        with store.write(shared=True) as session:
            mine = select(Outbox.id).where(col(Outbox.id).in_(owed)).with_for_update(skip_locked=True)
            session.exec(delete(Outbox).where(col(Outbox.id).in_(session.exec(mine).all())))
    return SweepCounts(expired, len(owed), runnable)


def _expired(store: Store, retry_base_seconds: float, caps: tuple[int, int]) -> int:
    with store.read() as session:  # a look first: most passes find nothing and need no write lock
        if session.exec(_overdue(store.now(session)).limit(1)).first() is None:
            return 0
    with store.write(shared=True) as session:
        now = store.now(session)
        found = session.exec(_overdue(now).limit(BATCH).with_for_update(skip_locked=True, key_share=True)).all()
        for judging in found:
            judgings.release(
                session,
                judging,
                Outcome.expired,
                now=now,
                reason=f"the lease of {judging.owner} ran out",
                delay_seconds=retry_base_seconds * 2 ** min(judging.attempts, 10),
                strike=True,
                caps=caps,
            )
    for judging in found:
        log.warning(
            "judging.expired",
            submission=judging.submission_id,
            judging=judging.id,
            attempt=judging.attempts,
            strikes=judging.strikes,
            ends="judge_error" if judging.state is State.done else "queued",
        )
    return len(found)


def _overdue(now: datetime) -> SelectOfScalar[Judging]:
    return select(Judging).where(col(Judging.state) == State.running, col(Judging.lease_until) < now)


def _running(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Judging).where(Judging.state == State.running)).one()
