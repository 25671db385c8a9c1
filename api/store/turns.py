"""Whose turn it is: fair keys, held judgings, place and estimate; knows nothing of leases and verdicts.

Start-time fair queueing (Goyal, Vin, Cheng: "Start-time fair queueing", 1996) over entries, in slot seconds. A judging
is stamped once, when it is accepted: with the virtual time of the queue, or with the end of the entry's last judging if
that is later. The queue is served in the order of stamps, and its virtual time is the largest stamp that was served, or
that of the next to be served if it is larger. So whoever hands in one thing waits for at most one thing of everybody
else, however much others have handed in, and what an idle judge did before is held against nobody.

All rejudgings together are one more who takes part, of an eighth of everybody else's weight: what they cost counts
eight times. What nobody else wants is theirs.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal_column
from sqlmodel import Session, col, or_, select

from api.store import workers
from api.store.tables import Attempt, Entry, Judging, Lane, Outcome, State

RECENT = 20
UNKNOWN_COST_SECONDS = 10.0
"""What a judging is taken to cost as long as none has ended."""
QUEUED_CAP = 2
"""So many of one entry and challenge wait in the queue; later ones are held until one of these is claimed."""
REJUDGE_COSTS = 8
"""Times what a judging costs, where it is a rejudging."""
FORGOTTEN = 200
"""So many of the last stamps are looked at for the end of all work when the queue is empty."""
HELD = f"{QUEUED_CAP} of yours wait for this challenge already; this one joins the queue when one of them has begun"

_served = literal_column("epoch") > literal_column("0")  # word for word that of the partial index


def take_turn(session: Session, judging: Judging) -> None:
    """Stamps a judging that is about to be queued, and holds it if too many of its kind wait already."""
    lock_entry(session, judging.entry_id)
    judging.cost_seconds = cost_seconds(session, judging.challenge)
    judging.fair_key = max(_virtual_time(session), _end_of_last(session, judging.entry_id))
    judging.held_reason = HELD if _waiting(session, judging.entry_id, judging.challenge) >= QUEUED_CAP else None


def take_turns_behind(session: Session, rejudged: Sequence[Judging]) -> None:
    """Stamps judgings of the lane `rejudge` that are about to be queued, one after another."""
    query = select(Judging.fair_key, Judging.cost_seconds).where(
        Judging.lane == Lane.rejudge, or_(col(Judging.state) != State.cancelled, col(Judging.attempts) > 0)
    )
    last = session.exec(query.order_by(col(Judging.fair_key).desc()).limit(1)).first()
    at = max(_virtual_time(session), last[0] + REJUDGE_COSTS * last[1] if last else 0.0)
    costs = {slug: cost_seconds(session, slug) for slug in {one.challenge for one in rejudged}}
    for judging in rejudged:
        judging.fair_key, judging.cost_seconds = at, costs[judging.challenge]
        at += REJUDGE_COSTS * judging.cost_seconds


def release_held(session: Session, entry_id: int, challenge: str) -> None:
    """Lets the next held judging into the queue if there is room; to be called when one has left it."""
    lock_entry(session, entry_id)
    if _waiting(session, entry_id, challenge) >= QUEUED_CAP:
        return
    query = select(Judging).where(*_queued(entry_id, challenge), col(Judging.held_reason).is_not(None))
    # one that is just being cancelled is passed over: who cancels it waits for our lock of the entry
    query = query.order_by(col(Judging.fair_key), col(Judging.id)).limit(1).with_for_update(skip_locked=True)
    first = session.exec(query).first()
    if first is not None:
        first.held_reason = None
        session.add(first)


def stranded(session: Session) -> list[tuple[int, str]]:
    """Entries and challenges with held judgings of which none is in the queue any more; there should be none."""
    kinds = select(Judging.entry_id, Judging.challenge).where(
        Judging.state == State.queued, Judging.lane == Lane.contest
    )
    held = kinds.where(col(Judging.held_reason).is_not(None)).distinct()
    waiting = set(session.exec(kinds.where(col(Judging.held_reason).is_(None)).distinct()))
    return sorted(set(session.exec(held)) - waiting)


def cost_seconds(session: Session, challenge: str | None = None) -> float:
    """Slot seconds a judging of this challenge (None: of any) is likely to take, from the last ones that ended."""
    took = last_seconds(session, challenge, RECENT)
    if took:
        return max(0.1, sum(took) / len(took))
    return UNKNOWN_COST_SECONDS if challenge is None else cost_seconds(session)


def last_seconds(session: Session, challenge: str | None, most: int) -> list[float]:
    """Slot seconds from claim to verdict of the last judgings of this challenge (None: of any), `most` at most."""
    query = select(Attempt.started_at, Attempt.ended_at)
    if challenge is None:
        query = query.where(Attempt.outcome == Outcome.committed).order_by(col(Attempt.ended_at).desc()).limit(most)
    else:
        # the end of one index, and a look for each into another: however many there have been
        done = select(Judging.id, Judging.epoch).where(Judging.challenge == challenge, Judging.state == State.done)
        done = done.where(col(Judging.ended_at).is_not(None)).order_by(col(Judging.ended_at).desc())
        last = done.limit(most).subquery()
        query = query.join(last, (col(Attempt.judging_id) == last.c.id) & (col(Attempt.epoch) == last.c.epoch))
    return [(ended - begun).total_seconds() for begun, ended in session.exec(query) if ended is not None]


def queue_position(session: Session, judging: Judging) -> int | None:
    """1 for the next to be claimed; None when it is held or not queued. It may grow: others' turns may be earlier."""
    if judging.state is not State.queued or judging.held_reason is not None:
        return None
    return session.exec(select(func.count()).select_from(Judging).where(*_ahead_of(judging))).one() + 1


def eta_seconds(session: Session, judging: Judging | None, now: datetime) -> float | None:
    """A guess of the seconds until the verdict of a judging, or (None) of one that is handed in now and served last.

    None when it is held or not queued, and when there is nothing to go by: no slot, or nothing judged so far.
    """
    if judging is not None and (judging.state is not State.queued or judging.held_reason is not None):
        return None
    slots = workers.live_slots(session, now)
    judged = select(Attempt.id).where(Attempt.outcome == Outcome.committed)
    if not slots or session.exec(judged.limit(1)).first() is None:
        return None
    ahead = _ahead_of(judging) if judging is not None else (col(Judging.state) == State.queued,)
    total = session.exec(select(func.coalesce(func.sum(col(Judging.cost_seconds)), 0.0)).where(*ahead)).one()
    own = judging.cost_seconds if judging is not None else cost_seconds(session)
    return round(own + total / slots, 1)


def lock_entry(session: Session, entry_id: int) -> None:
    """Until the transaction ends nobody else counts, queues or releases judgings of this entry."""
    session.exec(select(Entry.id).where(Entry.id == entry_id).with_for_update(key_share=True)).one()


def _ahead_of(judging: Judging) -> tuple[Any, ...]:
    earlier = or_(
        col(Judging.fair_key) < judging.fair_key,
        (col(Judging.fair_key) == judging.fair_key) & (col(Judging.id) < judging.id),
    )
    return (col(Judging.state) == State.queued, col(Judging.held_reason).is_(None), earlier)


def _virtual_time(session: Session) -> float:
    query = select(Judging.fair_key, Judging.cost_seconds).where(_served).order_by(col(Judging.fair_key).desc())
    served = session.exec(query.limit(1)).first()
    if served is None:
        return 0.0
    # rejudgings wait far behind: who comes now is served before the next of them
    queued = select(Judging.fair_key).where(Judging.state == State.queued, Judging.lane == Lane.contest)
    next_one = session.exec(queued.order_by(col(Judging.fair_key)).limit(1)).first()
    if next_one is not None:
        return max(served[0], next_one)
    if session.exec(select(Judging.id).where(Judging.state == State.running).limit(1)).first() is not None:
        return served[0]
    # nobody waits and nothing runs: what anybody has had before is forgotten
    return max(stamp + cost for stamp, cost in session.exec(query.limit(FORGOTTEN)))


def _end_of_last(session: Session, entry_id: int) -> float:
    # what was cancelled before it began has cost nothing
    query = select(Judging.fair_key, Judging.cost_seconds).where(
        Judging.entry_id == entry_id,
        Judging.lane == Lane.contest,
        or_(col(Judging.state) != State.cancelled, col(Judging.attempts) > 0),
    )
    last = session.exec(query.order_by(col(Judging.fair_key).desc(), col(Judging.id).desc()).limit(1)).first()
    return sum(last) if last is not None else 0.0


def _waiting(session: Session, entry_id: int, challenge: str) -> int:
    """How many of an entry and challenge are in the queue; held ones are not."""
    query = select(func.count()).select_from(Judging).where(*_queued(entry_id, challenge))
    return session.exec(query.where(col(Judging.held_reason).is_(None))).one()


def _queued(entry_id: int, challenge: str) -> tuple[Any, ...]:
    mine = (Judging.entry_id == entry_id, Judging.challenge == challenge)
    return (Judging.state == State.queued, Judging.lane == Lane.contest, *mine)
