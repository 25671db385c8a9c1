"""Competitions, their challenges and entries; knows challenges by slug, points and version only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from api.errors import Problem
from api.store import audit, standings
from api.store.database import Store
from api.store.tables import Competition, CompetitionChallenge, Entry, Person


class Phase(StrEnum):
    """Where a competition is in its window, by the database's clock."""

    upcoming = "upcoming"
    open = "open"
    closed = "closed"


@dataclass(frozen=True)
class ChallengePlace:
    """A challenge as part of a competition; `version` is the one it was made with."""

    slug: str
    points: int
    version: str


@dataclass(frozen=True)
class CompetitionView:
    slug: str
    title: str
    phase: Phase
    opens_at: datetime
    closes_at: datetime | None
    challenges: list[ChallengePlace]
    entries: int


@dataclass(frozen=True)
class EntryView:
    competition: str
    person: str
    name: str
    created_at: datetime


def phase(competition: Competition, now: datetime) -> Phase:
    """The window holds its first moment and not its last."""
    if now < competition.opens_at:
        return Phase.upcoming
    return Phase.closed if competition.closes_at is not None and now >= competition.closes_at else Phase.open


def create(
    store: Store,
    *,
    slug: str,
    title: str,
    opens_at: datetime | None,
    closes_at: datetime | None,
    challenges: Sequence[ChallengePlace],
    by: int,
) -> CompetitionView:
    """A new competition; without `opens_at` it opens now, without `closes_at` it never closes.

    Raises Problem name_taken, invalid_request.
    """
    with store.write() as session:
        now = store.now(session)
        opens = opens_at or now
        if closes_at is not None and closes_at <= opens:
            raise Problem("invalid_request", "closes_at must be later than opens_at.")
        if session.exec(select(Competition.id).where(Competition.slug == slug)).first() is not None:
            raise Problem("name_taken", f"There is a competition {slug} already.")
        row = Competition(slug=slug, title=title, opens_at=opens, closes_at=closes_at, created_at=now)
        session.add(row)
        session.flush()
        assert row.id is not None
        for position, place in enumerate(challenges):
            session.add(
                CompetitionChallenge(
                    competition_id=row.id,
                    challenge=place.slug,
                    position=position,
                    points=place.points,
                    version=place.version,
                )
            )
        session.flush()
        audit.note(session, "competition.create", slug, by=by, at=now, challenges=[c.slug for c in challenges])
        return _views(session, [row], now)[0]


def find(store: Store, slug: str) -> CompetitionView:
    """One competition. Raises Problem unknown_competition."""
    with store.read() as session:
        return _views(session, [by_slug(session, slug)], store.now(session))[0]


def number(store: Store, slug: str) -> int:
    """The id under which events name a competition. Raises Problem unknown_competition."""
    with store.read() as session:
        return by_slug(session, slug).id or 0


def entry_of(store: Store, slug: str, person_id: int) -> str | None:
    """The name under which somebody stands in a competition; None without an entry.

    Raises Problem unknown_competition.
    """
    with store.read() as session:
        here = Entry.competition_id == by_slug(session, slug).id
        return session.exec(select(Entry.name).where(here, Entry.person_id == person_id)).first()


def listed(store: Store) -> list[CompetitionView]:
    """All competitions, the newest first."""
    with store.read() as session:
        rows = session.exec(select(Competition).order_by(col(Competition.opens_at).desc(), Competition.slug)).all()
        return _views(session, rows, store.now(session))


def add_entry(store: Store, slug: str, person: str, *, by: int) -> EntryView:
    """Gives a person (by name) a place in a competition.

    Raises Problem unknown_competition, unknown_person, already_entered.
    """
    with store.write() as session:
        competition = by_slug(session, slug)
        found = session.exec(select(Person).where(Person.name == person)).first()
        if found is None:
            raise Problem("unknown_person")
        assert competition.id is not None and found.id is not None
        taken = select(Entry.id).where(Entry.competition_id == competition.id)
        if session.exec(taken.where(or_(Entry.person_id == found.id, Entry.name == found.name))).first() is not None:
            raise Problem("already_entered", f"{person} is in {slug} already.")
        now = store.now(session)
        entry = Entry(competition_id=competition.id, person_id=found.id, name=found.name, created_at=now)
        session.add(entry)
        session.flush()
        standings.open_entry(session, entry)
        audit.note(session, "entry.create", f"{slug}/{person}", by=by, at=now)
        return EntryView(slug, found.name, entry.name, now)


def by_slug(session: Session, slug: str) -> Competition:
    """The row of a competition. Raises Problem unknown_competition."""
    row = session.exec(select(Competition).where(Competition.slug == slug)).first()
    if row is None:
        raise Problem("unknown_competition")
    return row


def _views(session: Session, rows: Sequence[Competition], now: datetime) -> list[CompetitionView]:
    ids = [row.id for row in rows]
    places: dict[int, list[ChallengePlace]] = {}
    for place in session.exec(
        select(CompetitionChallenge)
        .where(col(CompetitionChallenge.competition_id).in_(ids))
        .order_by(col(CompetitionChallenge.position))
    ):
        view = ChallengePlace(place.challenge, place.points, place.version)
        places.setdefault(place.competition_id, []).append(view)
    counted = session.exec(
        select(Entry.competition_id, func.count())
        .where(col(Entry.competition_id).in_(ids))
        .group_by(col(Entry.competition_id))
    ).all()
    counts = dict(counted)
    return [
        CompetitionView(
            slug=row.slug,
            title=row.title,
            phase=phase(row, now),
            opens_at=row.opens_at,
            closes_at=row.closes_at,
            challenges=places.get(row.id or 0, []),
            entries=counts.get(row.id or 0, 0),
        )
        for row in rows
    ]
