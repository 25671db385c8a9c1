"""The queue: claim, renew, commit, give back, cancel, each one transaction under a fence; knows nothing of running."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, delete, exists, or_, select, update

from api.store import events, turns, verdicts, workers
from api.store.database import Store
from api.store.tables import Attempt, Entry, Judging, Kind, Lane, Outbox, Outcome, Stage, State, Submission, VerdictRow
from challenges.report import Report

ALONE_AFTER_SECONDS = 30.0
"""A judging that must run alone and has waited for so long makes a busy worker finish what it holds first."""


@dataclass(frozen=True)
class Claim:
    """The right to judge one submission, as long as the judging's epoch is this one."""

    judging_id: int
    submission_id: str
    epoch: int
    attempts: int
    strikes: int
    challenge: str
    version: str | None
    digest: str
    received_at: datetime
    waited_seconds: float
    """From receipt to this claim, earlier attempts included; of a rejudging, since it could run."""
    effective: bool = True
    """Whether its verdict will be that of the submission; if not, nobody is told of it."""
    dry: bool = False
    """To be judged on what everybody may know, with what it prints."""


def _can_run(now: datetime) -> tuple[Any, ...]:
    running = aliased(Judging)
    busy = (
        exists()
        .where(col(running.state) == State.running, col(running.lane) == Lane.contest)
        .where(col(running.entry_id) == col(Judging.entry_id), col(running.challenge) == col(Judging.challenge))
    )
    return (
        col(Judging.state) == State.queued,
        col(Judging.held_reason).is_(None),
        or_(col(Judging.not_before).is_(None), col(Judging.not_before) <= now),
        or_(col(Judging.lane) != Lane.contest, ~busy),
    )


def claim(
    store: Store, *, worker: str, lease_seconds: float, without: Collection[str] = (), slots: int = 1
) -> Claim | None:
    """Takes the judging whose turn it is among those that may run now; None when there is none.

    One entry has at most one running judging a challenge, rejudgings aside, and these never hold all of a worker's
    `slots`, if it has more than one. What has a strike (it may have killed its worker) runs only
    alone on its worker, so that the guilty one is told from its neighbours. `without`: challenges that it cannot
    judge yet.
    """
    with store.write(shared=True) as session:
        store.lock(session, f"worker {worker}")  # its slots claim one after another: what has a strike runs alone
        now = store.now(session)
        judging = _next(session, worker, now, without, slots)
        if judging is None:
            return None
        assert judging.id is not None
        judging.state, judging.stage = State.running, Stage.preparing
        judging.epoch += 1
        judging.attempts += 1
        judging.owner, judging.lease_until = worker, now + timedelta(seconds=lease_seconds)
        since = judging.received_at if judging.lane is Lane.contest else judging.not_before or now
        judging.not_before = None
        session.add(judging)
        session.add(Attempt(judging_id=judging.id, epoch=judging.epoch, worker=worker, started_at=now))
        session.exec(delete(Outbox).where(col(Outbox.judging_id) == judging.id))
        turns.release_held(session, judging.entry_id, judging.challenge)
        _tell(session, judging, now)
        submission = session.get_one(Submission, judging.submission_id)
        return Claim(
            judging_id=judging.id,
            submission_id=submission.id,
            epoch=judging.epoch,
            attempts=judging.attempts,
            strikes=judging.strikes,
            challenge=judging.challenge,
            version=judging.version,
            digest=submission.digest,
            received_at=submission.received_at,
            waited_seconds=max(0.0, (now - since).total_seconds()),
            effective=judging.effective,
            dry=submission.kind is Kind.dry,
        )


def _next(session: Session, worker: str, now: datetime, without: Collection[str], slots: int) -> Judging | None:
    mine = select(Judging.strikes, Judging.lane).where(Judging.state == State.running, Judging.owner == worker)
    held = session.exec(mine).all()
    if any(strikes for strikes, _ in held):
        return None
    query = (
        select(Judging)
        .join(Entry, col(Entry.id) == Judging.entry_id)
        .where(*_can_run(now))
        .order_by(col(Judging.fair_key), col(Judging.id))
        .limit(1)
    )
    spare = max(1, slots // 10) if slots > 1 else 0
    if sum(lane is Lane.rejudge for _, lane in held) >= slots - spare:
        query = query.where(col(Judging.lane) != Lane.rejudge)
    if without:
        query = query.where(col(Judging.challenge).not_in(without))
    if held:
        since = now - timedelta(seconds=ALONE_AFTER_SECONDS)
        ready = func.coalesce(col(Judging.not_before), col(Judging.received_at))
        if session.exec(query.where(col(Judging.strikes) > 0, ready < since)).first() is not None:
            return None
        query = query.where(col(Judging.strikes) == 0)
    # Two workers never wait for each other, nor take two of one entry. But a statement decides on what it saw when it
    # began, before it had the locks: so we look once more.
    query = query.with_for_update(skip_locked=True, key_share=True, of=[Judging, Entry])
    while (judging := session.exec(query).first()) is not None:
        if session.exec(select(Judging.id).where(Judging.id == judging.id, *_can_run(now))).first() is not None:
            return judging
    return None


def renew(
    store: Store, *, worker: str, held: Collection[tuple[int, int]], lease_seconds: float, slots: int | None = None
) -> set[int]:
    """Renews the leases on (judging, epoch) pairs and the worker's heartbeat; returns the judgings that are still its.

    Who is not in the answer has lost its judging and must stop and write nothing.
    """
    with store.write(shared=True) as session:
        now = store.now(session)
        workers.beat(session, worker, now, slots=slots)
        if not held:
            return set()
        renewed = session.exec(
            update(Judging)
            .where(
                tuple_(col(Judging.id), col(Judging.epoch)).in_(list(held)),
                col(Judging.state) == State.running,
                col(Judging.owner) == worker,
            )
            .values(lease_until=now + timedelta(seconds=lease_seconds))
            .returning(col(Judging.id))
            .execution_options(synchronize_session=False)
        )
        return {row[0] for row in renewed}


def set_stage(store: Store, claim: Claim, stage: str) -> bool:
    """Says how far the judging is; False when the claim is not ours any more. Raises ValueError for another word."""
    with store.write(shared=True) as session:
        if not _fenced(session, claim, stage=Stage(stage)):
            return False
        if not claim.effective:
            return True
        now = store.now(session)
        events.of_submission(session, claim.submission_id, at=now, state=State.running.value, stage=stage)
        return True


def commit(
    store: Store,
    claim: Claim,
    report: Report,
    *,
    evidence: dict[str, Any],
    step: float | None = None,
    version: str | None = None,
) -> bool:
    """Gives the judging its verdict; False when the claim is stale, and then nothing is written.

    `version` is that of the challenge as it was judged (None: as the judging says).
    With `step` a public score that is not by so many points better than the entry's best one is kept back.
    May be repeated when the outcome of an earlier call is unknown: a verdict of this very claim is True again.
    """
    with store.write(shared=True) as session:
        now = store.now(session)
        done: dict[str, Any] = {"state": State.done, "stage": None, "owner": None, "lease_until": None}
        if version is not None:
            done["version"] = version
        if not _fenced(session, claim, ended_at=now, **done):
            return _has_verdict(session, claim)
        verdicts.record(session, claim.judging_id, claim.epoch, report, now=now, step=step)
        verdicts.end_attempt(session, claim.judging_id, claim.epoch, Outcome.committed, now=now, evidence=evidence)
        return True


def give_back(
    store: Store,
    claim: Claim,
    *,
    reason: str,
    delay_seconds: float,
    strike: bool = False,
    max_strikes: int = 3,
    max_attempts: int = 10,
) -> bool:
    """Puts the judging back into the queue, or ends it with judge_error at the caps; False when the claim is stale.

    A worker that comes too late, because its lease ran out, has at least proved that it did not die: the strike it
    was given for that is taken back.
    """
    with store.write(shared=True) as session:
        now = store.now(session)
        if not _fenced(session, claim, owner=None):
            _forgive(session, claim)
            return False
        judging = session.get_one(Judging, claim.judging_id)
        release(
            session,
            judging,
            Outcome.given_back,
            now=now,
            reason=reason,
            delay_seconds=delay_seconds,
            strike=strike,
            caps=(max_strikes, max_attempts),
        )
        return True


def release(
    session: Session,
    judging: Judging,
    outcome: Outcome,
    *,
    now: datetime,
    reason: str,
    delay_seconds: float,
    strike: bool,
    caps: tuple[int, int],
) -> None:
    """Ends the running attempt of a judging without a verdict; `caps` are the most strikes and the most attempts."""
    assert judging.id is not None
    verdicts.end_attempt(session, judging.id, judging.epoch, outcome, now=now, reason=reason, struck=strike)
    judging.strikes += int(strike)
    if judging.strikes >= caps[0] or judging.attempts >= caps[1]:
        verdicts.give_up(session, judging, now=now, reason=reason)
        return
    judging.state, judging.stage, judging.owner, judging.lease_until = State.queued, None, None, None
    judging.epoch += 1
    judging.not_before = now + timedelta(seconds=delay_seconds)
    session.add(judging)
    session.add(Outbox(judging_id=judging.id, created_at=judging.not_before))
    _tell(session, judging, now)


def cancel(session: Session, judging: Judging, now: datetime) -> None:
    """Cancels a judging that is not done, in the caller's transaction; a running attempt can no longer commit."""
    assert judging.id is not None
    if judging.state is State.running:
        verdicts.end_attempt(session, judging.id, judging.epoch, Outcome.cancelled, now=now)
    judging.state, judging.stage, judging.owner, judging.lease_until = State.cancelled, None, None, None
    judging.epoch += 1
    judging.ended_at = now
    judging.held_reason = None
    session.add(judging)
    session.exec(delete(Outbox).where(col(Outbox.judging_id) == judging.id))
    turns.release_held(session, judging.entry_id, judging.challenge)
    _tell(session, judging, now)


def runnable(store: Store) -> int:
    """How many judgings could be claimed now."""
    with store.read() as session:
        return count_runnable(session, store.now(session))


def count_runnable(session: Session, now: datetime) -> int:
    return session.exec(select(func.count()).select_from(Judging).where(*_can_run(now))).one()


def waiting(store: Store, challenges: Collection[str]) -> set[str]:
    """Those of these challenges for which somebody waits."""
    with store.read() as session:
        query = select(Judging.challenge).where(Judging.state == State.queued, col(Judging.challenge).in_(challenges))
        return set(session.exec(query.distinct()))


def next_not_before(store: Store) -> datetime | None:
    """When the next of the judgings that wait for a moment may run; None when none does."""
    with store.read() as session:
        now = store.now(session)
        return session.exec(
            select(func.min(col(Judging.not_before))).where(
                col(Judging.state) == State.queued, col(Judging.not_before) > now
            )
        ).one()


def oldest_runnable_age(store: Store) -> float:
    """For how many seconds the oldest judging that could run has been waiting; 0 when there is none."""
    with store.read() as session:
        now = store.now(session)
        first = oldest_runnable(session, now)
        return max(0.0, (now - first).total_seconds()) if first else 0.0


def oldest_runnable(session: Session, now: datetime, without: Collection[str] = ()) -> datetime | None:
    """Since when the oldest judging waits that could run now, is no rejudging and of none of these challenges."""
    contest = (col(Judging.lane) == Lane.contest, col(Judging.challenge).not_in(without))
    query = select(func.min(col(Judging.received_at))).where(*_can_run(now), *contest)
    return session.exec(query).one()


def _fenced(session: Session, claim: Claim, **values: Any) -> bool:
    """Changes the judging only if it is still running under this claim's epoch."""
    done = session.exec(
        update(Judging)
        .where(
            col(Judging.id) == claim.judging_id,
            col(Judging.state) == State.running,
            col(Judging.epoch) == claim.epoch,
        )
        .values(**values)
    )
    return done.rowcount == 1


def _has_verdict(session: Session, claim: Claim) -> bool:
    query = select(VerdictRow.id).join(Attempt, col(Attempt.id) == VerdictRow.attempt_id)
    mine = query.where(VerdictRow.judging_id == claim.judging_id, VerdictRow.epoch == claim.epoch)
    return session.exec(mine.where(Attempt.outcome == Outcome.committed)).first() is not None


def _forgive(session: Session, claim: Claim) -> None:
    judging = session.get_one(Judging, claim.judging_id, with_for_update={"key_share": True})
    attempt = session.exec(
        select(Attempt).where(Attempt.judging_id == claim.judging_id, Attempt.epoch == claim.epoch)
    ).first()
    if attempt is None or attempt.outcome is not Outcome.expired or not attempt.struck:
        return
    attempt.struck = False
    session.add(attempt)
    judging.strikes = max(0, judging.strikes - 1)
    session.add(judging)


def _tell(session: Session, judging: Judging, now: datetime) -> None:
    if not judging.effective:
        return
    stage = judging.stage.value if judging.stage else None
    events.of_submission(session, judging.submission_id, at=now, state=judging.state.value, stage=stage)
