"""Later deadlines of entries: who may hand in until when, by whom and why; knows not what being late costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from api.errors import Problem
from api.store import audit, competitions, events, standings
from api.store.database import Store
from api.store.tables import Cohort, Competition, CompetitionChallenge, Entry, Extension


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
    store: Store,
    slug: str,
    entry: str | None,
    challenge: str | None,
    closes_at: datetime,
    reason: str,
    *,
    by: int,
    cohort: str | None = None,
    within: Sequence[int] | None = None,
) -> list[ExtensionView]:
    """Lets an entry, or each that is in a cohort now, hand in until `closes_at`, for one challenge or for all; in place
    of what they had for the same. What was late and now is not gets its full points.

    `within`: the cohorts whose entries the one who grants it may say this of; None is all.

    Raises Problem unknown_competition, unknown_challenge, not_entered, and invalid_request for what is no extension.
    """
    with store.write() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, slug)
        place = None if challenge is None else competitions.place(session, competition, challenge)
        _check_later(competition, place, closes_at, now)
        granted = []
        for found in _entries(session, competition, entry, cohort, within):
            row = _grant(session, found, place, closes_at, reason, by, now)
            told = {"challenge": challenge, "closes_at": closes_at.isoformat(), "reason": reason}
            subject = f"{slug}/{found.name}"
            audit.note(session, "extension.grant", subject, by=by, at=now, competition_id=competition.id, **told)
            _rescore(session, competition, found)
            granted.append(_view(row, found.name, challenge))
        events.board_changed(session, competition.id or 0, at=now)
        return granted


def _entries(
    session: Session, competition: Competition, entry: str | None, cohort: str | None, within: Sequence[int] | None
) -> Sequence[Entry]:
    """Raises Problem not_entered, invalid_request."""
    if (entry is None) == (cohort is None):
        raise Problem("invalid_request", "Name an entry or a cohort, one of them.")
    query = select(Entry).where(Entry.competition_id == competition.id).order_by(col(Entry.id))
    if within is not None:
        query = query.where(col(Entry.cohort_id).in_(within))
    if entry is not None:
        query = query.where(Entry.name == entry)
    else:
        query = query.join(Cohort, col(Cohort.id) == Entry.cohort_id).where(Cohort.name == cohort)
    found = session.exec(query).all()
    if not found:
        who = "Nobody of that name is" if entry is not None else f"Nobody of cohort {cohort} is"
        raise Problem("not_entered", f"{who} in {competition.slug}.")
    return found


def _grant(
    session: Session,
    found: Entry,
    place: CompetitionChallenge | None,
    closes_at: datetime,
    reason: str,
    by: int,
    now: datetime,
) -> Extension:
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
    return row


def _rescore(session: Session, competition: Competition, entry: Entry) -> None:
    if competition.late and entry.id is not None:
        standings.renew_entry(session, entry.id)


def listed(store: Store, slug: str, within: Sequence[int] | None = None) -> list[ExtensionView]:
    """Those of a competition (or of some cohorts of it), the newest first. Raises Problem unknown_competition."""
    with store.read() as session:
        competition = competitions.by_slug(session, slug)
        query = (
            select(Extension, Entry.name, CompetitionChallenge.challenge)
            .join(Entry, col(Entry.id) == Extension.entry_id)
            .outerjoin(CompetitionChallenge, col(CompetitionChallenge.id) == Extension.competition_challenge_id)
            .where(Entry.competition_id == competition.id)
            .order_by(col(Extension.id).desc())
        )
        if within is not None:
            query = query.where(col(Entry.cohort_id).in_(within))
        return [_view(row, name, challenge) for row, name, challenge in session.exec(query)]


def withdraw(store: Store, slug: str, extension_id: int, *, by: int, within: Sequence[int] | None = None) -> None:
    """Takes one back; what was handed in under it stays, and is late again where there are late days.

    Raises Problem unknown_competition, not_found.
    """
    with store.write() as session:
        competition = competitions.by_slug(session, slug)
        row = session.get(Extension, extension_id)
        entry = session.get(Entry, row.entry_id) if row else None
        if row is None or entry is None or entry.competition_id != competition.id:
            raise Problem("not_found")
        if within is not None and entry.cohort_id not in within:
            raise Problem("not_found")
        now = store.now(session)
        session.delete(row)
        session.flush()
        _rescore(session, competition, entry)
        events.board_changed(session, competition.id or 0, at=now)
        subject = f"{slug}/{entry.name}"
        audit.note(session, "extension.withdraw", subject, by=by, at=now, competition_id=competition.id)


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
