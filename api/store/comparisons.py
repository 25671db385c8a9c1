"""Comparisons of the programs handed in for a challenge: asked for, worked at under a lease, kept; judges nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, or_, select

from api.errors import Problem
from api.store import audit, competitions
from api.store.database import Store
from api.store.tables import (
    Comparison,
    ComparisonState,
    Entry,
    Kind,
    Submission,
)

LEASE = timedelta(minutes=15)
MOST_ATTEMPTS = 3
OF_AN_ENTRY = 3
"""The last submissions of an entry that are compared, each content once."""
MOST_SOURCES = 400


@dataclass(frozen=True)
class Source:
    """One submission that is to be compared; two of one entry are not compared with each other."""

    submission: str
    entry: int
    digest: str


@dataclass(frozen=True)
class Task:
    """What a worker is to compare."""

    id: int
    challenge: str
    sources: list[Source]


@dataclass(frozen=True)
class Pair:
    """Two submissions, how much of each (0 to 1) stands in the other, and the lines they share, from 1:
    [first of a, last of a, first of b, last of b]."""

    a: str
    b: str
    similarity_a: float
    similarity_b: float
    regions: list[list[int]]
    entry_a: str = ""
    entry_b: str = ""


@dataclass(frozen=True)
class ComparisonView:
    id: int
    challenge: str
    created_at: datetime
    state: ComparisonState
    ended_at: datetime | None
    compared: int
    """How many submissions were."""
    pairs: list[Pair]


def ask(store: Store, slug: str, challenge: str, *, by: int) -> ComparisonView:
    """Has the programs for a challenge compared, as they are when a worker begins.

    Raises Problem unknown_competition, unknown_challenge.
    """
    with store.write() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, slug)
        competitions.place(session, competition, challenge)
        waiting = select(Comparison).where(
            Comparison.competition_id == competition.id,
            Comparison.challenge == challenge,
            Comparison.state == ComparisonState.open,
        )
        row = session.exec(waiting).first()
        if row is None:
            row = Comparison(
                competition_id=competition.id or 0,
                challenge=challenge,
                created_at=now,
                created_by=by,
                state=ComparisonState.open,
            )
            session.add(row)
            session.flush()
            audit.note(session, "comparison.ask", challenge, by=by, at=now, competition_id=competition.id)
        return _view(session, row)


def listed(store: Store, slug: str) -> list[ComparisonView]:
    """Those of a competition, the newest first, without their pairs. Raises Problem unknown_competition."""
    with store.read() as session:
        here = competitions.by_slug(session, slug).id
        rows = session.exec(
            select(Comparison).where(Comparison.competition_id == here).order_by(col(Comparison.id).desc()).limit(100)
        ).all()
        return [replace(_view(session, row, names=False), pairs=[]) for row in rows]


def find(store: Store, slug: str, comparison_id: int) -> ComparisonView:
    """One of them. Raises Problem unknown_competition, not_found."""
    with store.read() as session:
        here = competitions.by_slug(session, slug).id
        row = session.get(Comparison, comparison_id)
        if row is None or row.competition_id != here:
            raise Problem("not_found")
        return _view(session, row)


def claim(store: Store, known: Sequence[str]) -> Task | None:
    """The next comparison of one of these challenges that nobody is at; None when there is none.

    What was tried too often is given up.
    """
    with store.read() as session:  # a look first: nearly always there is none
        if session.exec(_waiting(known, store.now(session)).limit(1)).first() is None:
            return None
    with store.write() as session:
        now = store.now(session)
        for row in session.exec(_waiting(known, now).order_by(col(Comparison.id))).all():
            session.add(row)
            if row.attempts >= MOST_ATTEMPTS:
                row.state, row.ended_at = ComparisonState.failed, now
                continue
            row.attempts += 1
            row.lease_until = now + LEASE
            return Task(row.id or 0, row.challenge, _sources(session, row))
        return None


def finish(store: Store, task: Task, pairs: Sequence[Pair]) -> None:
    """Keeps what was found."""
    with store.write() as session:
        row = session.get_one(Comparison, task.id)
        if row.state is ComparisonState.open:
            row.state, row.ended_at, row.compared = ComparisonState.done, store.now(session), len(task.sources)
            row.pairs = [_as_json(one) for one in pairs]
            session.add(row)


def give_back(store: Store, task: Task, *, failed: bool = False) -> None:
    """Lets another one try, or (`failed`) nobody: another try would end the same way."""
    with store.write() as session:
        row = session.get_one(Comparison, task.id)
        if row.state is not ComparisonState.open:
            return
        row.lease_until = None
        if failed:
            row.state, row.ended_at = ComparisonState.failed, store.now(session)
        session.add(row)


def _waiting(known: Sequence[str], now: datetime) -> Any:
    free = or_(col(Comparison.lease_until).is_(None), col(Comparison.lease_until) < now)
    return select(Comparison).where(
        Comparison.state == ComparisonState.open, free, col(Comparison.challenge).in_(known)
    )


def _sources(session: Session, row: Comparison) -> list[Source]:
    """The last ones of each entry that count or may, the newest entries' first where there are too many."""
    query = (
        select(Submission.id, Submission.entry_id, Submission.digest)
        .join(Entry, col(Entry.id) == Submission.entry_id)
        .where(
            Entry.competition_id == row.competition_id,
            ~col(Entry.baseline),
            Submission.challenge == row.challenge,
            Submission.kind == Kind.scored,
            col(Submission.erased_at).is_(None),
        )
        .order_by(col(Submission.received_at).desc())
    )
    found: dict[int, dict[str, Source]] = {}
    for id, entry, digest in session.exec(query):
        mine = found.setdefault(entry, {})
        if len(mine) < OF_AN_ENTRY:
            mine.setdefault(digest, Source(id, entry, digest))
    return [one for mine in found.values() for one in mine.values()][:MOST_SOURCES]


def _as_json(pair: Pair) -> dict[str, Any]:
    return {
        "a": pair.a,
        "b": pair.b,
        "similarity_a": pair.similarity_a,
        "similarity_b": pair.similarity_b,
        "regions": pair.regions,
    }


def _view(session: Session, row: Comparison, *, names: bool = True) -> ComparisonView:
    pairs = [Pair(**one) for one in row.pairs]
    if names and pairs:
        ids = {one.a for one in pairs} | {one.b for one in pairs}
        query = select(Submission.id, Entry.name).join(Entry, col(Entry.id) == Submission.entry_id)
        entries = dict(session.exec(query.where(col(Submission.id).in_(ids))).all())
        pairs = [replace(one, entry_a=entries.get(one.a, ""), entry_b=entries.get(one.b, "")) for one in pairs]
    return ComparisonView(
        id=row.id or 0,
        challenge=row.challenge,
        created_at=row.created_at,
        state=row.state,
        ended_at=row.ended_at,
        compared=row.compared,
        pairs=pairs,
    )
