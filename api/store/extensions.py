"""Later deadlines of single entries: who may hand in until when, by whom and why; decides nothing about scores."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from api.errors import Problem
from api.store import audit, competitions
from api.store.database import Store
from api.store.tables import Competition, CompetitionChallenge, Entry, Extension


@dataclass(frozen=True)
class ExtensionView:
    """One extension; `challenge` is None where it is for the whole competition."""

    id: int
    entry: str
    challenge: str | None
    closes_at: datetime
    reason: str
    created_at: datetime


def grant(
    store: Store, slug: str, entry: str, challenge: str | None, closes_at: datetime, reason: str, *, by: int
) -> ExtensionView:
    """Lets an entry hand in until `closes_at`, for one challenge or for all; in place of the one it had for the same.

    Raises Problem unknown_competition, unknown_challenge, not_entered, and invalid_request for what is no extension.
    """
    with store.write() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, slug)
        mine = select(Entry).where(Entry.competition_id == competition.id, Entry.name == entry)
        found = session.exec(mine).first()
        if found is None:
            raise Problem("not_entered", f"Nobody of that name is in {slug}.")
        place = _place(session, competition, challenge)
        _check_later(competition, place, closes_at, now)
        place_id = place.id if place else None
        same = (Extension.entry_id == found.id, Extension.competition_challenge_id == place_id)
        row = session.exec(select(Extension).where(*same)).first()
        if row is None:
            row = Extension(
                entry_id=found.id or 0,
                competition_challenge_id=place_id,
                closes_at=closes_at,
                reason=reason,
                created_at=now,
                created_by=by,
            )
        row.closes_at, row.reason, row.created_at, row.created_by = closes_at, reason, now, by
        session.add(row)
        session.flush()
        told = {"challenge": challenge, "closes_at": closes_at.isoformat(), "reason": reason}
        audit.note(session, "extension.grant", f"{slug}/{entry}", by=by, at=now, **told)
        return _view(row, found.name, challenge)


def listed(store: Store, slug: str) -> list[ExtensionView]:
    """Those of a competition, the newest first. Raises Problem unknown_competition."""
    with store.read() as session:
        competition = competitions.by_slug(session, slug)
        query = (
            select(Extension, Entry.name, CompetitionChallenge.challenge)
            .join(Entry, col(Entry.id) == Extension.entry_id)
            .outerjoin(CompetitionChallenge, col(CompetitionChallenge.id) == Extension.competition_challenge_id)
            .where(Entry.competition_id == competition.id)
            .order_by(col(Extension.id).desc())
        )
        return [_view(row, name, challenge) for row, name, challenge in session.exec(query)]


def withdraw(store: Store, slug: str, extension_id: int, *, by: int) -> None:
    """Takes one back; what was handed in under it stays. Raises Problem unknown_competition, not_found."""
    with store.write() as session:
        competition = competitions.by_slug(session, slug)
        row = session.get(Extension, extension_id)
        entry = session.get(Entry, row.entry_id) if row else None
        if row is None or entry is None or entry.competition_id != competition.id:
            raise Problem("not_found")
        session.delete(row)
        audit.note(session, "extension.withdraw", f"{slug}/{entry.name}", by=by, at=store.now(session))


def until(session: Session, entry_id: int, place_id: int) -> datetime | None:
    """Until when an entry may hand in for a challenge, if it has an extension."""
    query = select(func.max(col(Extension.closes_at))).where(
        Extension.entry_id == entry_id,
        or_(col(Extension.competition_challenge_id).is_(None), Extension.competition_challenge_id == place_id),
    )
    return session.exec(query).one()


def _place(session: Session, competition: Competition, challenge: str | None) -> CompetitionChallenge | None:
    if challenge is None:
        return None
    query = select(CompetitionChallenge).where(
        CompetitionChallenge.competition_id == competition.id, CompetitionChallenge.challenge == challenge
    )
    place = session.exec(query).first()
    if place is None:
        raise Problem("unknown_challenge", f"{challenge} is not part of {competition.slug}.")
    return place


def _check_later(
    competition: Competition, place: CompetitionChallenge | None, closes_at: datetime, now: datetime
) -> None:
    if closes_at <= now:
        raise Problem("invalid_request", f"closes_at: {closes_at.isoformat()} is in the past.")
    deadline = (place.closes_at if place else None) or competition.closes_at
    if deadline is None:
        raise Problem("invalid_request", "There is no deadline to extend.")
    if closes_at <= deadline:
        raise Problem("invalid_request", f"closes_at is not later than the deadline, {deadline.isoformat()}.")


def _view(row: Extension, entry: str, challenge: str | None) -> ExtensionView:
    return ExtensionView(row.id or 0, entry, challenge, row.closes_at, row.reason, row.created_at)
