"""Competitions, their challenges and entries; knows challenges by slug, points and version only."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, delete, or_, select

from api.errors import Problem
from api.store import audit, events, people, standings
from api.store.database import Store
from api.store.tables import Competition, CompetitionChallenge, Entry, Extension, Person, Role, Submission

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No two of these are taken for each other on a slide."""
CODE_LENGTH = 10
"""49 bits; wrong codes are counted per address."""
MOST_CHANGES = 200
"""Of one act, that the audit log keeps."""


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
class Wanted:
    """A competition as it is to be.

    Without `opens_at` it opens now, or when it did; without `closes_at` it never closes.
    """

    slug: str
    title: str
    challenges: Sequence[ChallengePlace]
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    time_zone: str = "UTC"
    per_day: int | None = None
    """How many submissions of one entry and challenge a day scores."""


@dataclass(frozen=True)
class CompetitionView:
    slug: str
    title: str
    phase: Phase
    opens_at: datetime
    closes_at: datetime | None
    time_zone: str
    per_day: int | None
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
    time_zone: str = "UTC",
    per_day: int | None = None,
) -> CompetitionView:
    """A new competition. Raises Problem name_taken, invalid_request."""
    wanted = Wanted(slug, title, challenges, opens_at, closes_at, time_zone, per_day)
    apply(store, wanted, by=by, new=True)
    return find(store, slug)


def apply(store: Store, wanted: Wanted, *, by: int, dry_run: bool = False, new: bool = False) -> list[str]:
    """Makes a competition what is wanted, or makes it; every change in words, and none when it is so already.

    With `dry_run` nothing is changed. With `new` it must not be there yet.

    All or nothing. Raises Problem invalid_request, and name_taken.
    """
    with store.write() as session:
        now = store.now(session)
        row = session.exec(select(Competition).where(Competition.slug == wanted.slug)).first()
        if row is not None and new:
            raise Problem("name_taken", f"There is a competition {wanted.slug} already.")
        places = _places(session, row)
        opens = wanted.opens_at or (row.opens_at if row else now)
        gone = sorted(places.keys() - {one.slug for one in wanted.challenges})
        _check_unused(session, [places[slug] for slug in gone])
        _check(wanted, opens, row, places, now)
        changes: list[str] = []
        action = "competition.create" if row is None else "competition.apply"
        if row is None:
            changes.append(f"{wanted.slug} is made")
            row = Competition(slug=wanted.slug, title="", opens_at=opens, created_at=now)
        told = {"title": wanted.title, "opens_at": opens, "closes_at": wanted.closes_at}
        _set(row, told | {"time_zone": wanted.time_zone, "per_day": wanted.per_day}, "", changes)
        changes += [f"{slug} is taken out" for slug in gone]
        if not dry_run:
            session.add(row)
            session.flush()
        rescore = False
        for position, one in enumerate(wanted.challenges):
            place = places.get(one.slug)
            if place is None:
                changes.append(f"{one.slug} is added")
                place = CompetitionChallenge(
                    competition_id=row.id or 0, challenge=one.slug, position=position, points=0, version=one.version
                )
            else:
                rescore = rescore or place.points != one.points
            values = {"points": one.points, "position": position, "week": one.week}
            _set(place, values | {"opens_at": one.opens_at, "closes_at": one.closes_at}, f"{one.slug}: ", changes)
            if not dry_run:
                session.add(place)
        if dry_run:
            session.rollback()
            return changes
        for slug in gone:
            session.exec(delete(Extension).where(col(Extension.competition_challenge_id) == places[slug].id))
            session.delete(places[slug])
        session.flush()
        if rescore:
            standings.renew(session)
        if changes and places:
            events.board_changed(session, row.id or 0, at=now)
        if changes:
            audit.note(session, action, wanted.slug, by=by, at=now, changes=changes[:MOST_CHANGES])
        return changes


def _check_unused(session: Session, places: Sequence[CompetitionChallenge]) -> None:
    """Raises Problem invalid_request for a challenge that cannot be taken out any more."""
    for place in places:
        if session.exec(select(Submission.id).where(Submission.competition_challenge_id == place.id)).first():
            raise Problem("invalid_request", f"{place.challenge} cannot be taken out: something was handed in for it.")


def _places(session: Session, row: Competition | None) -> dict[str, CompetitionChallenge]:
    if row is None:
        return {}
    query = select(CompetitionChallenge).where(CompetitionChallenge.competition_id == row.id)
    return {place.challenge: place for place in session.exec(query)}


def _set(row: Competition | CompetitionChallenge, values: dict[str, Any], before: str, changes: list[str]) -> None:
    fresh = row.id is None
    for name, value in values.items():
        old = getattr(row, name)
        if old != value:
            setattr(row, name, value)
            if not fresh or (value is not None and name != "position"):
                told = f"{before}{name} {_word(value)}" if fresh else f"{before}{name} {_word(old)} -> {_word(value)}"
                changes.append(told)


def _word(value: object) -> str:
    return "none" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)


def _check(
    wanted: Wanted,
    opens: datetime,
    row: Competition | None,
    places: Mapping[str, CompetitionChallenge],
    now: datetime,
) -> None:
    """Everything that can be wrong with it, one sentence each. Raises Problem invalid_request."""
    wrong: list[str] = []
    closes = wanted.closes_at
    if closes is not None and closes <= opens:
        wrong.append("closes_at must be later than opens_at.")
    if closes is not None and closes <= now and (row is None or row.closes_at != closes):
        wrong.append(f"closes_at: {closes.isoformat()} is in the past.")
    weeks: dict[str, tuple[datetime, datetime]] = {}
    for one in wanted.challenges:
        old = places.get(one.slug)
        begin, end = one.opens_at or opens, one.closes_at or closes or datetime.max.replace(tzinfo=UTC)
        if begin >= end:
            wrong.append(f"{one.slug}: it closes before it opens.")
        if begin < opens or (closes is not None and end > closes):
            wrong.append(f"{one.slug}: its window is not within that of the competition.")
        if one.closes_at is not None and one.closes_at <= now and (old is None or old.closes_at != one.closes_at):
            wrong.append(f"{one.slug}: closes_at {one.closes_at.isoformat()} is in the past.")
        if one.week is not None and weeks.setdefault(one.week, (begin, end)) != (begin, end):
            wrong.append(f"{one.slug}: week {one.week!r} has another window.")
    for (name, (_, end)), (later, (begin, _)) in pairwise(sorted(weeks.items(), key=lambda item: item[1])):
        if begin < end:
            wrong.append(f"Week {later!r} begins before week {name!r} ends.")
    if wrong:
        raise Problem("invalid_request", " ".join(wrong))


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
        return _enter(session, store.now(session), competition, found, by=by)


def _enter(session: Session, now: datetime, competition: Competition, person: Person, *, by: int) -> EntryView:
    assert competition.id is not None and person.id is not None
    slug = competition.slug
    taken = select(Entry.id).where(Entry.competition_id == competition.id)
    if session.exec(taken.where(or_(Entry.person_id == person.id, Entry.name == person.name))).first() is not None:
        raise Problem("already_entered", f"{person.name} is in {slug} already.")
    entry = Entry(competition_id=competition.id, person_id=person.id, name=person.name, created_at=now)
    session.add(entry)
    session.flush()
    standings.open_entry(session, entry)
    audit.note(session, "entry.create", f"{slug}/{person.name}", by=by, at=now)
    return EntryView(slug, person.name, entry.name, now)


def new_join_code(store: Store, slug: str, *, by: int) -> str:
    """A new join code for a competition; the one before it stops working. Raises Problem unknown_competition."""
    with store.write() as session:
        competition = by_slug(session, slug)
        competition.join_code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
        session.add(competition)
        audit.note(session, "join_code.create", slug, by=by, at=store.now(session))
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
            audit.note(session, "join_code.end", slug, by=by, at=store.now(session))


def check_join_code(store: Store, code: str) -> None:
    """Whether somebody may join with this code. Raises Problem unknown_join_code, competition_over."""
    with store.read() as session:
        _by_code(session, code, store.now(session))


def join(store: Store, code: str, person_id: int) -> EntryView:
    """Gives a person a place in the competition whose join code this is.

    Raises Problem unknown_join_code, competition_over, already_entered.
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
            time_zone=row.time_zone,
            per_day=row.per_day,
            challenges=places.get(row.id or 0, []),
            entries=counts.get(row.id or 0, 0),
        )
        for row in rows
    ]
