"""What staff did, append only; knows no way to change a row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from api.store.database import Store
from api.store.tables import Audit, Person


@dataclass(frozen=True)
class Act:
    """Something that was done; `by` is a person's name, None for the judge itself."""

    id: int
    at: datetime
    by: str | None
    action: str
    subject: str
    detail: dict[str, Any]


def note(
    session: Session,
    action: str,
    subject: str,
    *,
    by: int | None,
    at: datetime,
    competition_id: int | None = None,
    **detail: Any,
) -> None:
    """Writes down an act in the transaction that does it; `by` is the acting person's id, None the system.

    With `competition_id` the organisers of that competition may read it.
    """
    act = Audit(at=at, person_id=by, competition_id=competition_id, action=action, subject=subject, detail=detail)
    session.add(act)


def listed(
    store: Store,
    *,
    action: str | None = None,
    subject: str | None = None,
    before: int | None = None,
    limit: int = 50,
    competition_id: int | None = None,
) -> list[Act]:
    """Acts (of one competition), newest first; `before` is the id from which to go on."""
    query = select(Audit, Person.name).outerjoin(Person, col(Person.id) == Audit.person_id)
    if action is not None:
        query = query.where(Audit.action == action)
    if subject is not None:
        query = query.where(Audit.subject == subject)
    if competition_id is not None:
        query = query.where(Audit.competition_id == competition_id)
    if before is not None:
        query = query.where(col(Audit.id) < before)
    with store.read() as session:
        rows = session.exec(query.order_by(col(Audit.id).desc()).limit(limit)).all()
        return [Act(row.id or 0, row.at, name, row.action, row.subject, row.detail) for row, name in rows]
