"""Makes a competition what one description says, all or nothing: weeks, rules, staff and roster; hands nothing in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sqlmodel import Session, col, delete, select

from api.errors import Problem
from api.store import audit, competitions, events, roster, staff, standings
from api.store.competitions import ChallengePlace, CompetitionView, by_slug, find, frozen
from api.store.database import Store
from api.store.roster import Row
from api.store.tables import Competition, CompetitionChallenge, Counts, Extension, Submission

MOST_CHANGES = 200
"""Of one act, that the audit log keeps."""
MOST_LATE_DAYS = 30
MOST_IN_A_TEAM = 50
RULES = ("time_zone", "per_day", "late", "counts", "freeze_at", "private", "team_size", "named", "step", "feedback")
"""What a competition has of its description, word for word."""


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
    late: Sequence[float] = ()
    """What is left of the points on each day after a challenge's deadline."""
    counts: Counts = Counts.best
    freeze_at: datetime | None = None
    private: bool = True
    team_size: int = 1
    named: int | None = None
    step: float | None = None
    feedback: str | None = None
    organisers: Sequence[str] | None = None
    """People by name; None leaves those there are."""
    cohorts: Mapping[str, Sequence[str]] | None = None
    """Their staff by name; None leaves cohorts and staff as they are."""
    join: bool | None = None
    """Whether people enter by a code of their own accord; None leaves it as it is."""
    roster: Sequence[Row] | None = None
    """Who takes part; None leaves everybody."""


def create(
    store: Store,
    *,
    slug: str,
    title: str,
    opens_at: datetime | None,
    closes_at: datetime | None,
    challenges: Sequence[ChallengePlace],
    by: int,
    **rules: Any,
) -> CompetitionView:
    """A new competition. Raises Problem name_taken, invalid_request."""
    wanted = Wanted(slug, title, challenges, opens_at, closes_at, **rules)
    apply(store, wanted, by=by, new=True)
    return find(store, slug)


def apply(
    store: Store, wanted: Wanted, *, by: int, dry_run: bool = False, new: bool = False, by_admin: bool = True
) -> list[str]:
    """Makes a competition what is wanted, or makes it; every change in words, and none when it is so already.

    With `dry_run` nothing is changed. With `new` it must not be there yet. Only an administrator names organisers.

    All or nothing. Raises Problem invalid_request, name_taken, forbidden.
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
        before = _scoring(row, places)
        if row.freeze_at != wanted.freeze_at:
            row.thawed_at = None
        told = {"title": wanted.title, "opens_at": opens, "closes_at": wanted.closes_at}
        rules = {name: getattr(wanted, name) for name in RULES} | {"late": list(wanted.late)}
        _set(row, told | rules, "", changes)
        session.add(row)
        session.flush()
        changes += [f"{slug} is taken out" for slug in gone]
        for slug in gone:
            session.exec(delete(Extension).where(col(Extension.competition_challenge_id) == places[slug].id))
            session.delete(places.pop(slug))
        for position, one in enumerate(wanted.challenges):
            place = places.get(one.slug)
            if place is None:
                changes.append(f"{one.slug} is added")
                place = places[one.slug] = CompetitionChallenge(
                    competition_id=row.id or 0, challenge=one.slug, position=position, points=0, version=one.version
                )
            values = {"points": one.points, "position": position, "week": one.week}
            _set(place, values | {"opens_at": one.opens_at, "closes_at": one.closes_at}, f"{one.slug}: ", changes)
            session.add(place)
        session.flush()
        if wanted.join is not None and wanted.join != (row.join_code is not None):
            row.join_code = competitions.join_code_word() if wanted.join else None
            session.add(row)
            changes.append("a join code is made" if wanted.join else "the join code ends")
        changes += _people(session, row, wanted, by_admin, now)
        if dry_run:
            session.rollback()
            return changes
        if before != _scoring(row, places):
            standings.renew(session, row.id)
        if changes and action == "competition.apply":
            events.board_changed(session, row.id or 0, at=now)
        if changes:
            audit.note(
                session, action, wanted.slug, by=by, at=now, competition_id=row.id, changes=changes[:MOST_CHANGES]
            )
        return changes


def _people(session: Session, row: Competition, wanted: Wanted, by_admin: bool, now: datetime) -> list[str]:
    """Raises Problem invalid_request, forbidden."""
    assert row.id is not None
    try:
        changes = staff.apply(session, row.id, wanted.organisers, wanted.cohorts)
        if not by_admin and any(change.startswith("organisers") for change in changes):
            raise Problem("forbidden", "Only an administrator says who organises a competition.")
        if wanted.roster is not None:
            changes += roster.apply(session, row, wanted.roster, by_admin=by_admin, now=now)
    except (ValueError, roster.Wrong) as error:
        raise Problem("invalid_request", str(error)) from None
    name, size = roster.largest(session, row.id)
    if size > wanted.team_size:
        raise Problem("invalid_request", f"team_size: {name} has {size} members already.")
    return changes


def apply_roster(
    store: Store, slug: str, rows: Sequence[Row], *, by: int, by_admin: bool, dry_run: bool = False
) -> list[str]:
    """Only who takes part, with all else as it is. Raises Problem unknown_competition, invalid_request."""
    with store.write() as session:
        now = store.now(session)
        competition = by_slug(session, slug)
        try:
            changes = roster.apply(session, competition, rows, by_admin=by_admin, now=now)
        except roster.Wrong as error:
            raise Problem("invalid_request", str(error)) from None
        if dry_run:
            session.rollback()
        elif changes:
            events.board_changed(session, competition.id or 0, at=now)
            told = changes[:MOST_CHANGES]
            audit.note(session, "roster.apply", slug, by=by, at=now, competition_id=competition.id, changes=told)
        return changes


def thaw(store: Store, slug: str, *, by: int) -> None:
    """Lets the boards show everything again; twice is as good as once.

    Raises Problem unknown_competition, and invalid_request when the boards are not frozen.
    """
    with store.write() as session:
        now = store.now(session)
        competition = by_slug(session, slug)
        if competition.thawed_at is not None:
            return
        if not frozen(competition, now):
            raise Problem("invalid_request", f"The boards of {slug} are not frozen.")
        competition.thawed_at = now
        session.add(competition)
        events.board_changed(session, competition.id or 0, at=now)
        audit.note(session, "competition.thaw", slug, by=by, at=now, competition_id=competition.id)


def _scoring(row: Competition, places: Mapping[str, CompetitionChallenge]) -> object:
    """All that standings depend on, to see whether it has changed."""
    weeks = standings.weeks(places.values())
    parts = {slug: (place.points, place.closes_at, weeks.get(slug)) for slug, place in places.items()}
    return [list(row.late or []), row.counts, row.freeze_at, row.closes_at], parts


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
    wrong += _wrong_windows(wanted, opens, places, now)
    wrong += _wrong_rules(wanted, opens)
    if wrong:
        raise Problem("invalid_request", " ".join(wrong))


def _wrong_windows(
    wanted: Wanted, opens: datetime, places: Mapping[str, CompetitionChallenge], now: datetime
) -> list[str]:
    wrong: list[str] = []
    closes = wanted.closes_at
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
    # a week without dates of its own is a heading
    whole = (opens, closes or datetime.max.replace(tzinfo=UTC))
    dated = {name: window for name, window in weeks.items() if window != whole}
    for (name, (_, end)), (later, (begin, _)) in pairwise(sorted(dated.items(), key=lambda item: item[1])):
        if begin < end:
            wrong.append(f"Week {later!r} begins before week {name!r} ends.")
    return wrong


def _wrong_rules(wanted: Wanted, opens: datetime) -> list[str]:
    wrong: list[str] = []
    closes = wanted.closes_at or datetime.max.replace(tzinfo=UTC)
    if wanted.freeze_at is not None and not opens < wanted.freeze_at < closes:
        wrong.append("freeze_at: it is not between opens_at and closes_at.")
    falling = all(later <= sooner for sooner, later in pairwise([1.0, *wanted.late]))
    if not falling or any(not 0 <= one < 1 for one in wanted.late) or len(wanted.late) > MOST_LATE_DAYS:
        wrong.append(f"late: parts of the points for at most {MOST_LATE_DAYS} days, below 1, from 0 and never rising.")
    if not 1 <= wanted.team_size <= MOST_IN_A_TEAM:
        wrong.append(f"team_size: 1 to {MOST_IN_A_TEAM}.")
    return wrong
