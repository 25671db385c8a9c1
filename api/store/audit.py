"""What staff did, append only; knows no way to change a row."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from api.store.tables import Audit


def note(session: Session, action: str, subject: str, *, by: int | None, at: datetime, **detail: Any) -> None:
    """Writes down an act in the transaction that does it; `by` is the acting person's id, None the system."""
    session.add(Audit(at=at, person_id=by, action=action, subject=subject, detail=detail))
