"""A competition at a glance, for who looks after it: how many tried and solved what, by the public part."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import col, select

from api.store import competitions, standings
from api.store.database import Store
from api.store.tables import (
    Clarification,
    CompetitionChallenge,
    Entry,
    Judging,
    Standing,
    State,
    Submission,
    View,
)


@dataclass(frozen=True)
class Tried:
    """How a challenge goes, among the entries somebody looks after; scores are public ones, 0 to 100."""

    challenge: str
    points: int
    week: str | None
    tried: int
    solved: int
    mean: float | None


@dataclass(frozen=True)
class Glance:
    """A competition at a glance."""

    entries: int
    silent: int
    """Entries that have handed in nothing yet."""
    today: int
    waiting: int
    open_questions: int
    challenges: list[Tried]


def of(store: Store, slug: str, within: Sequence[int] | None = None) -> Glance:
    """How a competition goes, or some cohorts of it. Raises Problem unknown_competition."""
    with store.read() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, slug)
        mine = select(Entry.id).where(Entry.competition_id == competition.id, ~col(Entry.baseline))
        if within is not None:
            mine = mine.where(col(Entry.cohort_id).in_(within))
        handed_in = select(Submission.entry_id).where(col(Submission.entry_id).in_(mine))
        begin = datetime.combine(now.astimezone(ZoneInfo(competition.time_zone)).date(), time(), now.tzinfo)
        begin = begin.replace(tzinfo=ZoneInfo(competition.time_zone))
        waiting = select(func.count()).select_from(Judging)
        waiting = waiting.where(col(Judging.entry_id).in_(mine), col(Judging.state).in_((State.queued, State.running)))
        questions = select(func.count()).select_from(Clarification)
        questions = questions.where(col(Clarification.entry_id).in_(mine), col(Clarification.answered_at).is_(None))
        today = select(func.count()).select_from(Submission)
        today = today.where(col(Submission.entry_id).in_(mine), Submission.received_at >= begin)
        rows = session.exec(
            select(Standing.board, func.count(), func.sum(Standing.solved), func.avg(Standing.score))
            .where(col(Standing.entry_id).in_(mine), Standing.view == View.public)
            .group_by(col(Standing.board))
        ).all()
        boards = {board: (tried, int(solved or 0), mean) for board, tried, solved, mean in rows}
        places = session.exec(
            select(CompetitionChallenge)
            .where(CompetitionChallenge.competition_id == competition.id)
            .order_by(col(CompetitionChallenge.position))
        ).all()
        entries = len(session.exec(mine).all())
        return Glance(
            entries=entries,
            silent=entries - len(set(session.exec(handed_in.distinct()))),
            today=session.exec(today).one(),
            waiting=session.exec(waiting).one(),
            open_questions=session.exec(questions).one(),
            challenges=[_tried(place, *boards.get(place.challenge, (0, 0, None))) for place in places],
        )


def _tried(place: CompetitionChallenge, tried: int, solved: int, mean: float | None) -> Tried:
    shown = None if mean is None else round(float(mean), standings.PRECISION)
    return Tried(place.challenge, place.points, place.week, tried, solved, shown)
