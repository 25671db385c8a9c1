"""Asks the database what nobody is taking care of, and takes care of it; any number of processes may do so at once."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, delete, select
from sqlmodel.sql.expression import SelectOfScalar

from api.store import judgings, turns, workers
from api.store.database import Store
from api.store.tables import Judging, Outbox, Outcome, State, Worker

OUTBOX_SECONDS = 2.0
PATIENCE = 1.5
"""Times the seconds between two renewals, before a lease counts as expired after the database was away."""
BATCH = 200
CLAIMED_SECONDS = 1.0
"""A worker may show life so long after a claim without renewing it, because it did not know of it yet."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SweepCounts:
    """What one pass did: leases that had expired, messages delivered late, judgings that could run and did not."""

    expired: int
    outbox: int
    runnable: int


class Sweeps:
    """One pass after another. After the database was away, leases expire only when their workers could renew them."""

    def __init__(
        self,
        store: Store,
        *,
        lease_seconds: float,
        renew_seconds: float,
        retry_base_seconds: float,
        max_strikes: int,
        max_attempts: int,
        ring: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lease_seconds` and `renew_seconds` are the workers'; the others as for `sweep`."""
        self._store = store
        self._lease_seconds = lease_seconds
        self._patience = PATIENCE * renew_seconds
        self._retry_base_seconds = retry_base_seconds
        self._caps = (max_strikes, max_attempts)
        self._ring = ring
        self._clock = clock
        self._patient_until = clock() + self._patience  # this process may have begun because of an outage

    def once(self) -> SweepCounts:
        """The next pass. Raises what the database raises."""
        try:
            counts = sweep(
                self._store,
                lease_seconds=self._lease_seconds,
                retry_base_seconds=self._retry_base_seconds,
                max_strikes=self._caps[0],
                max_attempts=self._caps[1],
                ring=self._ring,
                expire=self._clock() >= self._patient_until,
            )
        except SQLAlchemyError:
            self._patient_until = math.inf
            raise
        if self._patient_until == math.inf:
            self._patient_until = self._clock() + self._patience
        return counts


def sweep(
    store: Store,
    *,
    lease_seconds: float = 45.0,
    retry_base_seconds: float = 2.0,
    max_strikes: int = 3,
    max_attempts: int = 10,
    ring: Callable[[], None],
    expire: bool = True,
) -> SweepCounts:
    """One pass: gives back what a dead worker held, delivers what the outbox still holds, rings for idle workers.

    An expired lease counts as a strike if its worker died while the submission was running: it has shown no life since
    it last renewed that lease of `lease_seconds`. The next try waits `retry_base_seconds` * 2^attempts. Without
    `expire` no lease is looked at.
    """
    expired = _expired(store, lease_seconds, retry_base_seconds, (max_strikes, max_attempts)) if expire else 0
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


def _expired(store: Store, lease_seconds: float, retry_base_seconds: float, caps: tuple[int, int]) -> int:
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
                strike=not _lives(session, judging, lease_seconds),
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


def _lives(session: Session, judging: Judging, lease_seconds: float) -> bool:
    """Whether the worker of an expired judging has shown life since it last renewed it."""
    owner = session.get(Worker, judging.owner)
    if owner is None or judging.lease_until is None:
        return False
    renewed = judging.lease_until - timedelta(seconds=lease_seconds)
    return owner.heartbeat_at > renewed + timedelta(seconds=CLAIMED_SECONDS)


def _overdue(now: datetime) -> SelectOfScalar[Judging]:
    return select(Judging).where(col(Judging.state) == State.running, col(Judging.lease_until) < now)


def _running(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Judging).where(Judging.state == State.running)).one()
