"""What happened, as rows in order; knows nothing of streams or viewers beyond who may read a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from api.store.database import Store, add_late
from api.store.tables import Audience, Competition, Event


@dataclass(frozen=True)
class Happening:
    """One event as a viewer may get it."""

    id: int
    kind: str
    audience: Audience
    submission_id: str | None
    competition_id: int | None
    payload: dict[str, Any]


def add(
    session: Session,
    kind: str,
    *,
    at: datetime,
    audience: Audience,
    payload: dict[str, Any],
    submission_id: str | None = None,
    competition_id: int | None = None,
) -> None:
    """Writes an event in the caller's transaction. The payload must hold nothing hidden: it is sent as it stands."""
    event = Event(
        at=at,
        audience=audience,
        kind=kind,
        submission_id=submission_id,
        competition_id=competition_id,
        payload=payload,
    )
    add_late(session, event)  # who follows the events reads from the last id on


def of_submission(
    session: Session, submission_id: str, *, at: datetime, state: str, stage: str | None = None, **more: Any
) -> None:
    """Tells a submission's owner its new state."""
    payload = {"id": submission_id, "state": state, "stage": stage, **more}
    add(session, "submission", at=at, audience=Audience.owner, payload=payload, submission_id=submission_id)


def board_changed(session: Session, competition_id: int, *, at: datetime) -> None:
    """Tells everybody that the boards of a competition are others, where no single total says how."""
    slug = session.get_one(Competition, competition_id).slug
    payload = {"competition": slug}
    add(session, "board", at=at, audience=Audience.public, payload=payload, competition_id=competition_id)


def to_operator(session: Session, kind: str, *, at: datetime, submission_id: str | None, **payload: Any) -> None:
    """Tells the operator what nobody else should be bothered with."""
    add(session, kind, at=at, audience=Audience.operator, payload=payload, submission_id=submission_id)


def after(
    store: Store,
    last: int,
    *,
    submission_id: str | None = None,
    competition_id: int | None = None,
    limit: int = 500,
) -> Sequence[Happening]:
    """Events with an id above `last`, oldest first: all, or the owner's of one submission, or the public of one
    competition."""
    query = select(Event).where(col(Event.id) > last).order_by(col(Event.id)).limit(limit)
    if submission_id is not None:
        query = query.where(Event.submission_id == submission_id, Event.audience == Audience.owner)
    if competition_id is not None:
        query = query.where(Event.competition_id == competition_id, Event.audience == Audience.public)
    with store.read() as session:
        return [_happening(row) for row in session.exec(query)]


def last_id(store: Store, competition_id: int | None = None) -> int:
    """The id of the newest event; see `newest`."""
    with store.read() as session:
        return newest(session, competition_id=competition_id)


def newest(session: Session, *, competition_id: int | None = None) -> int:
    """The id of the newest event, or of a competition's newest public one; 0 when there is none."""
    query = select(func.max(Event.id))
    if competition_id is not None:
        query = query.where(Event.competition_id == competition_id, Event.audience == Audience.public)
    return session.exec(query).one() or 0


def _happening(row: Event) -> Happening:
    assert row.id is not None
    return Happening(row.id, row.kind, row.audience, row.submission_id, row.competition_id, row.payload)
