"""What staff announces, and what entries ask and are answered; knows no page and decides nothing about scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select

from api.errors import Problem
from api.store import audit, competitions, events
from api.store.database import Store
from api.store.tables import (
    Announcement,
    Audience,
    Clarification,
    Competition,
    Entry,
    Member,
    Person,
)

MOST_OPEN = 10
"""Questions of one entry that may wait for an answer at once."""
SHOWN = 200
"""The most of either that is listed."""


@dataclass(frozen=True)
class AnnouncementView:
    id: int
    at: datetime
    by: str
    title: str
    text: str


@dataclass(frozen=True)
class ClarificationView:
    """A question; `entry` and `person` are None for those who may not know who asked."""

    id: int
    challenge: str | None
    asked_at: datetime
    question: str
    answer: str | None
    answered_at: datetime | None
    public: bool
    entry: str | None
    person: str | None
    mine: bool


def announce(store: Store, slug: str, title: str, text: str, *, by: int) -> AnnouncementView:
    """Says something to everybody. Raises Problem unknown_competition."""
    with store.write() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, slug)
        row = Announcement(competition_id=competition.id or 0, at=now, person_id=by, title=title, text=text)
        session.add(row)
        session.flush()
        payload = {"competition": slug, "id": row.id, "title": title, "text": text}
        _tell(session, competition, "announcement", payload, now)
        audit.note(session, "announcement.create", slug, by=by, at=now, competition_id=competition.id, title=title)
        return _announcement(row, session.get_one(Person, by).name)


def withdraw(store: Store, slug: str, announcement_id: int, *, by: int) -> None:
    """Takes an announcement back. Raises Problem unknown_competition, not_found."""
    with store.write() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, slug)
        row = session.get(Announcement, announcement_id)
        if row is None or row.competition_id != competition.id:
            raise Problem("not_found")
        session.delete(row)
        _tell(session, competition, "announcement", {"competition": slug, "id": row.id, "withdrawn": True}, now)
        audit.note(
            session, "announcement.withdraw", slug, by=by, at=now, competition_id=competition.id, title=row.title
        )


def announcements(store: Store, slug: str) -> list[AnnouncementView]:
    """What was announced, the newest first. Raises Problem unknown_competition."""
    with store.read() as session:
        competition = competitions.by_slug(session, slug)
        query = (
            select(Announcement, Person.name)
            .join(Person, col(Person.id) == Announcement.person_id)
            .where(Announcement.competition_id == competition.id)
            .order_by(col(Announcement.id).desc())
            .limit(SHOWN)
        )
        return [_announcement(row, name) for row, name in session.exec(query)]


def ask(store: Store, slug: str, challenge: str | None, question: str, *, by: int) -> ClarificationView:
    """A question of somebody who takes part. Raises Problem unknown_competition, not_entered, unknown_challenge, and
    invalid_request while too many of theirs wait."""
    with store.write() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, slug)
        mine = select(Entry).join(Member, col(Member.entry_id) == Entry.id)
        entry = session.exec(mine.where(Member.competition_id == competition.id, Member.person_id == by)).first()
        if entry is None:
            raise Problem("not_entered")
        if challenge is not None:
            competitions.place(session, competition, challenge)
        waiting = select(Clarification.id).where(
            Clarification.entry_id == entry.id, col(Clarification.answered_at).is_(None)
        )
        if len(session.exec(waiting).all()) >= MOST_OPEN:
            raise Problem("invalid_request", f"{MOST_OPEN} questions of yours wait for an answer already.")
        row = Clarification(
            competition_id=competition.id or 0,
            entry_id=entry.id or 0,
            person_id=by,
            challenge=challenge,
            asked_at=now,
            question=question,
        )
        session.add(row)
        session.flush()
        _tell(session, competition, "clarification", {"competition": slug}, now)
        return _clarification(row, entry.name, session.get_one(Person, by).name, mine=True, knows=True)


def answer(
    store: Store, slug: str, clarification_id: int, text: str, *, public: bool, by: int, within: Sequence[int] | None
) -> ClarificationView:
    """Answers a question (again, in place of the answer before), for who asked it or for everybody.

    `within`: the cohorts whose questions the one who answers may see; None is all.

    Raises Problem unknown_competition, not_found.
    """
    with store.write() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, slug)
        row = session.get(Clarification, clarification_id)
        entry = session.get(Entry, row.entry_id) if row else None
        if row is None or entry is None or row.competition_id != competition.id:
            raise Problem("not_found")
        if within is not None and entry.cohort_id not in within:
            raise Problem("not_found")
        row.answer, row.public, row.answered_at, row.answered_by = text, public, now, by
        session.add(row)
        _tell(session, competition, "clarification", {"competition": slug}, now)
        audit.note(
            session,
            "clarification.answer",
            str(row.id),
            by=by,
            at=now,
            competition_id=competition.id,
            public=public,
            answer=text,
        )
        return _clarification(row, entry.name, session.get_one(Person, row.person_id).name, mine=False, knows=True)


def clarifications(
    store: Store, slug: str, person_id: int, *, staff: bool = False, within: Sequence[int] | None = None
) -> list[ClarificationView]:
    """Questions, the newest first: those of one's own entry and the public ones; for staff all they look after.

    Raises Problem unknown_competition.
    """
    with store.read() as session:
        competition = competitions.by_slug(session, slug)
        mine = set(
            session.exec(
                select(Member.entry_id).where(Member.competition_id == competition.id, Member.person_id == person_id)
            )
        )
        query = (
            select(Clarification, Entry, Person.name)
            .join(Entry, col(Entry.id) == Clarification.entry_id)
            .join(Person, col(Person.id) == Clarification.person_id)
            .where(Clarification.competition_id == competition.id)
            .order_by(col(Clarification.id).desc())
            .limit(SHOWN)
        )
        seen = or_(col(Clarification.public), col(Clarification.entry_id).in_(mine))
        if not staff:
            query = query.where(seen)
        elif within is not None:
            query = query.where(or_(seen, col(Entry.cohort_id).in_(within)))
        found = []
        for row, entry, person in session.exec(query):
            own = entry.id in mine
            knows = own or (staff and (within is None or entry.cohort_id in within))
            found.append(_clarification(row, entry.name, person, mine=own, knows=knows))
        return found


def _announcement(row: Announcement, by: str) -> AnnouncementView:
    return AnnouncementView(row.id or 0, row.at, by, row.title, row.text)


def _clarification(row: Clarification, entry: str, person: str, *, mine: bool, knows: bool) -> ClarificationView:
    return ClarificationView(
        id=row.id or 0,
        challenge=row.challenge,
        asked_at=row.asked_at,
        question=row.question,
        answer=row.answer,
        answered_at=row.answered_at,
        public=row.public,
        entry=entry if knows else None,
        person=person if knows else None,
        mine=mine,
    )


def _tell(session: Session, competition: Competition, kind: str, payload: dict[str, Any], now: datetime) -> None:
    """To everybody's streams: of a question no more than that there is something new."""
    events.add(session, kind, at=now, audience=Audience.public, payload=payload, competition_id=competition.id)
