"""Competitions, their challenges and entries; knows challenges by slug, points and version only."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func
from sqlmodel import Session, col, select

from api.errors import Problem
from api.store import audit, people, standings
from api.store.database import Store
from api.store.tables import Cohort, Competition, CompetitionChallenge, Counts, Entry, Member, Person, Role, Staff

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No two of these are taken for each other on a slide."""
CODE_LENGTH = 10
"""49 bits; wrong codes are counted per address."""


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
    week: str | None = None
    """The title of the week it belongs to; all challenges of a week have one window, and weeks do not overlap."""
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    """Its own window, within the competition's."""


@dataclass(frozen=True)
class CompetitionView:
    slug: str
    title: str
    phase: Phase
    opens_at: datetime
    closes_at: datetime | None
    time_zone: str
    per_day: int | None
    late: list[float]
    counts: Counts
    freeze_at: datetime | None
    frozen: bool
    """Whether the boards show only what was received before the freeze."""
    private: bool
    team_size: int
    named: int | None
    step: float | None
    feedback: str | None
    challenges: list[ChallengePlace]
    weeks: list[str]
    """Titles of the weeks, in order."""
    cohorts: list[str]
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


def frozen(competition: Competition, now: datetime) -> bool:
    """Whether its boards show only what was received before the freeze."""
    return competition.freeze_at is not None and competition.thawed_at is None and now >= competition.freeze_at


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
        here = (Member.competition_id == by_slug(session, slug).id, Member.person_id == person_id)
        return session.exec(select(Entry.name).join(Member, col(Member.entry_id) == Entry.id).where(*here)).first()


def listed(store: Store) -> list[CompetitionView]:
    """All competitions, the newest first."""
    with store.read() as session:
        rows = session.exec(select(Competition).order_by(col(Competition.opens_at).desc(), Competition.slug)).all()
        return _views(session, rows, store.now(session))


def add_entry(store: Store, slug: str, person: str, *, by: int) -> EntryView:
    """Gives a person (by name) a place in a competition.

    Raises Problem unknown_competition, unknown_person, already_entered, and forbidden for staff.
    """
    with store.write() as session:
        competition = by_slug(session, slug)
        found = session.exec(select(Person).where(Person.name == person)).first()
        if found is None:
            raise Problem("unknown_person")
        return _enter(session, store.now(session), competition, found, by=by)


def _enter(session: Session, now: datetime, competition: Competition, person: Person, *, by: int) -> EntryView:
    assert competition.id is not None and person.id is not None
    slug = competition.slug
    taken = select(Entry.id).where(Entry.competition_id == competition.id, Entry.name == person.name)
    there = select(Member.id).where(Member.competition_id == competition.id, Member.person_id == person.id)
    looks_after = select(Staff.id).where(Staff.competition_id == competition.id, Staff.person_id == person.id)
    if session.exec(looks_after).first() is not None:
        raise Problem("forbidden", f"{person.name} looks after {slug}, and cannot take part.")
    if session.exec(taken).first() is not None or session.exec(there).first() is not None:
        raise Problem("already_entered", f"{person.name} is in {slug} already.")
    entry = Entry(competition_id=competition.id, name=person.name, created_at=now)
    session.add(entry)
    session.flush()
    session.add(Member(competition_id=competition.id, entry_id=entry.id or 0, person_id=person.id))
    standings.open_entry(session, entry)
    audit.note(session, "entry.create", f"{slug}/{person.name}", by=by, at=now, competition_id=competition.id)
    return EntryView(slug, person.name, entry.name, now)


def join_code_word() -> str:
    """A word nobody guesses and anybody can type."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def new_join_code(store: Store, slug: str, *, by: int) -> str:
    """A new join code for a competition; the one before it stops working. Raises Problem unknown_competition."""
    with store.write() as session:
        competition = by_slug(session, slug)
        competition.join_code = join_code_word()
        session.add(competition)
        audit.note(session, "join_code.create", slug, by=by, at=store.now(session), competition_id=competition.id)
        return competition.join_code


def join_code(store: Store, slug: str) -> str | None:
    """The join code in force. Raises Problem unknown_competition."""
    with store.read() as session:
        return by_slug(session, slug).join_code


def end_join_code(store: Store, slug: str, *, by: int) -> None:
    """Nobody joins by a code any more; twice is as good as once. Raises Problem unknown_competition."""
    with store.write() as session:
        competition = by_slug(session, slug)
        if competition.join_code is not None:
            competition.join_code = None
            session.add(competition)
            audit.note(session, "join_code.end", slug, by=by, at=store.now(session), competition_id=competition.id)


def check_join_code(store: Store, code: str) -> None:
    """Whether somebody may join with this code. Raises Problem unknown_join_code, competition_over."""
    with store.read() as session:
        _by_code(session, code, store.now(session))


def join(store: Store, code: str, person_id: int) -> EntryView:
    """Gives a person a place in the competition whose join code this is.

    Raises Problem unknown_join_code, competition_over, already_entered, and forbidden for staff.
    """
    with store.write() as session:
        return _join(session, store.now(session), code, session.get_one(Person, person_id))


def join_as_new(store: Store, code: str, name: str, password: str) -> tuple[int, EntryView]:
    """Makes a person with a password hash and gives them a place, all or nothing; their id and the entry.

    Raises Problem unknown_join_code, competition_over, name_taken, already_entered (an entry of that name).
    """
    with store.write() as session:
        now = store.now(session)
        _by_code(session, code, now)  # before the name: who does not know a code learns nothing about names
        person = people.add(session, name, Role.participant, now, password)
        assert person.id is not None
        audit.note(session, "person.join", name, by=person.id, at=now)
        return person.id, _join(session, now, code, person)


def _join(session: Session, now: datetime, code: str, person: Person) -> EntryView:
    assert person.id is not None
    return _enter(session, now, _by_code(session, code, now), person, by=person.id)


def _by_code(session: Session, code: str, now: datetime) -> Competition:
    wanted = code.strip().replace(" ", "").replace("-", "").upper()
    row = session.exec(select(Competition).where(Competition.join_code == wanted)).first() if wanted else None
    if row is None:
        raise Problem("unknown_join_code")
    if phase(row, now) is Phase.closed:
        raise Problem("competition_over", f"{row.slug} is over.")
    return row


def by_slug(session: Session, slug: str) -> Competition:
    """The row of a competition. Raises Problem unknown_competition."""
    row = session.exec(select(Competition).where(Competition.slug == slug)).first()
    if row is None:
        raise Problem("unknown_competition")
    return row


def place(session: Session, competition: Competition, challenge: str) -> CompetitionChallenge:
    """A challenge's place in a competition. Raises Problem unknown_challenge."""
    query = select(CompetitionChallenge).where(
        CompetitionChallenge.competition_id == competition.id, CompetitionChallenge.challenge == challenge
    )
    found = session.exec(query).first()
    if found is None:
        raise Problem("unknown_challenge", f"{challenge} is not part of {competition.slug}.")
    return found


def _views(session: Session, rows: Sequence[Competition], now: datetime) -> list[CompetitionView]:
    ids = [row.id for row in rows]
    places: dict[int, list[ChallengePlace]] = {}
    for place in session.exec(
        select(CompetitionChallenge)
        .where(col(CompetitionChallenge.competition_id).in_(ids))
        .order_by(col(CompetitionChallenge.position))
    ):
        view = ChallengePlace(place.challenge, place.points, place.version, place.week, place.opens_at, place.closes_at)
        places.setdefault(place.competition_id, []).append(view)
    cohorts: dict[int, list[str]] = {}
    for cohort in session.exec(select(Cohort).where(col(Cohort.competition_id).in_(ids)).order_by(Cohort.name)):
        cohorts.setdefault(cohort.competition_id, []).append(cohort.name)
    counted = session.exec(
        select(Entry.competition_id, func.count())
        .where(col(Entry.competition_id).in_(ids), ~col(Entry.baseline))
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
            time_zone=row.time_zone,
            per_day=row.per_day,
            late=row.late,
            counts=row.counts,
            freeze_at=row.freeze_at,
            frozen=frozen(row, now),
            private=row.private,
            team_size=row.team_size,
            named=row.named,
            step=row.step,
            feedback=row.feedback,
            challenges=places.get(row.id or 0, []),
            weeks=list(dict.fromkeys(one.week for one in places.get(row.id or 0, []) if one.week is not None)),
            cohorts=cohorts.get(row.id or 0, []),
            entries=counts.get(row.id or 0, 0),
        )
        for row in rows
    ]
