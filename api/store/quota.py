"""How many submissions of a challenge a day scores for one entry, and how many are left; decides nothing else.

A submission counts on the day of its receipt in the competition's time zone, from the moment it is accepted. What the
judge failed (`judge_error`) and what was cancelled before it began is given back.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from api.errors import Problem
from api.store import competitions, deadlines
from api.store.database import Store
from api.store.tables import (
    Competition,
    CompetitionChallenge,
    Entry,
    Judging,
    Kind,
    Member,
    State,
    Submission,
    VerdictRow,
)
from challenges.report import Verdict


@dataclass(frozen=True)
class Attempts:
    """What one entry has of one challenge today; `per_day` and `left` are None where there is no limit."""

    challenge: str
    per_day: int | None
    used: int
    left: int | None
    resets_at: datetime


def of_entry(store: Store, competition_slug: str, person_id: int) -> list[Attempts]:
    """Somebody's attempts at every challenge of a competition. Raises Problem unknown_competition, not_entered."""
    with store.read() as session:
        competition = competitions.by_slug(session, competition_slug)
        mine = select(Entry).join(Member, col(Member.entry_id) == Entry.id)
        here = (Member.competition_id == competition.id, Member.person_id == person_id)
        entry = session.exec(mine.where(*here)).first()
        if entry is None:
            raise Problem("not_entered")
        places = select(CompetitionChallenge).where(CompetitionChallenge.competition_id == competition.id)
        places = places.order_by(col(CompetitionChallenge.position))
        now = store.now(session)
        return [today(session, competition, place, entry, now) for place in session.exec(places)]


@dataclass(frozen=True)
class Chance:
    """What somebody may still hand in for a challenge in one of their competitions that is open."""

    competition: str
    title: str
    opens_at: datetime | None
    closes_at: datetime | None
    """Until when what is received counts in full: the challenge's end or, where they have one, their extension."""
    last: datetime | None
    """Until when anything is taken: later than `closes_at` where there are late days."""
    begun: bool
    over: bool
    attempts: Attempts


def of_challenge(store: Store, challenge: str, person_id: int) -> list[Chance]:
    """Somebody's chances at one challenge, by competition."""
    with store.read() as session:
        now = store.now(session)
        query = (
            select(Competition, CompetitionChallenge, Entry)
            .join(CompetitionChallenge, col(CompetitionChallenge.competition_id) == Competition.id)
            .join(Member, col(Member.competition_id) == Competition.id)
            .join(Entry, col(Entry.id) == Member.entry_id)
            .where(CompetitionChallenge.challenge == challenge, Member.person_id == person_id)
            .order_by(Competition.slug)
        )
        found = []
        for competition, place, entry in session.exec(query):
            until = deadlines.of_entry(session, competition, place, entry.id or 0)
            phase = competitions.phase(competition, now)
            over = until.last is not None and now >= until.last
            if phase is competitions.Phase.open or (phase is competitions.Phase.closed and not over):
                own = place.closes_at is not None or until.extended
                chance = Chance(
                    competition=competition.slug,
                    title=competition.title,
                    opens_at=place.opens_at,
                    closes_at=until.on_time if own else None,
                    last=until.last if own else None,
                    begun=place.opens_at is None or now >= place.opens_at,
                    over=over,
                    attempts=today(session, competition, place, entry, now),
                )
                found.append(chance)
        return found


def today(
    session: Session,
    competition: Competition,
    place: CompetitionChallenge,
    entry: Entry,
    now: datetime,
    *,
    kind: Kind = Kind.scored,
) -> Attempts:
    """An entry's attempts at a challenge on the day of `now`; those of practice are counted apart."""
    begin, end = _day(competition.time_zone, now)
    query = (
        select(func.count())
        .select_from(Submission)
        .join(Judging, col(Judging.submission_id) == Submission.id)
        .outerjoin(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
        .where(
            Judging.effective,
            Submission.kind == kind,
            Submission.entry_id == entry.id,
            Submission.competition_challenge_id == place.id,
            col(Submission.received_at) >= begin,
            col(Submission.received_at) < end,
            or_(col(Judging.state) != State.cancelled, col(Judging.attempts) > 0),
            or_(col(VerdictRow.verdict).is_(None), col(VerdictRow.verdict) != Verdict.judge_error.value),
        )
    )
    used = session.exec(query).one()
    left = None if competition.per_day is None else max(0, competition.per_day - used)
    return Attempts(place.challenge, competition.per_day, used, left, end)


def check(found: Attempts, now: datetime) -> None:
    """Raises Problem quota_used when nothing is left today."""
    if found.left == 0:
        seconds = max(1, round((found.resets_at - now).total_seconds()))
        raise Problem(
            "quota_used",
            f"All {found.per_day} of today are used for {found.challenge}; the next day begins at "
            f"{found.resets_at.isoformat()}.",
            retry_after=seconds,
        )


def _day(time_zone: str, now: datetime) -> tuple[datetime, datetime]:
    """First moment of the local day and of the next one, in the zone of `now`; a day may have 23 or 25 hours."""
    zone = ZoneInfo(time_zone)
    date = now.astimezone(zone).date()
    begin, end = (datetime.combine(day, time(), zone) for day in (date, date + timedelta(days=1)))
    return begin.astimezone(now.tzinfo), end.astimezone(now.tzinfo)
