"""Results as they stand, for profiles, histories and exports; knows no formula but that of the standings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlalchemy.orm import defer
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import Select

from api.errors import Problem
from api.radar import Evidence
from api.store import competitions, standings, verdicts
from api.store.database import Store
from api.store.deadlines import Extensions
from api.store.tables import (
    OVERALL,
    Clarification,
    Cohort,
    Competition,
    CompetitionChallenge,
    Entry,
    Extension,
    Judging,
    Kind,
    Member,
    Person,
    Standing,
    State,
    Submission,
    VerdictRow,
    View,
)
from challenges.report import Verdict


def evidence(store: Store, person_id: int) -> list[Evidence]:
    """What somebody was told of all they or their teams handed in to count."""
    with store.read() as session:
        now = store.now(session)
        mine = select(Member.entry_id).where(Member.person_id == person_id)
        others = select(Member.entry_id).where(col(Member.entry_id).in_(mine), Member.person_id != person_id)
        teams = set(session.exec(others))
        query = _judged().where(col(Submission.entry_id).in_(mine), Submission.kind == Kind.scored)
        extensions = Extensions(session)
        found = []
        for verdict, submission, place, competition in session.exec(query):
            result = standings.result_of(verdict, submission, place, competition, extensions)
            score = result.part(verdicts.view_in_force(competition, now))
            if score is None or verdict.verdict == Verdict.judge_error.value:
                continue
            gates = any(check["gate"] and not check["passed"] for check in verdict.report.get("checks", ()))
            found.append(
                Evidence(
                    challenge=submission.challenge,
                    competition=competition.slug,
                    score=score,
                    passed=result.accepted,
                    gate_failed=gates,
                    team=submission.entry_id in teams,
                    received_at=submission.received_at,
                )
            )
        return found


def _judged() -> Select[VerdictRow, Submission, CompetitionChallenge, Competition]:
    """Whatever has a verdict that counts, the first received first."""
    return (
        select(VerdictRow, Submission, CompetitionChallenge, Competition)
        .join(Judging, col(Judging.id) == VerdictRow.judging_id)
        .join(Submission, col(Submission.id) == Judging.submission_id)
        .join(CompetitionChallenge, col(CompetitionChallenge.id) == Submission.competition_challenge_id)
        .join(Competition, col(Competition.id) == CompetitionChallenge.competition_id)
        .where(Judging.effective, Judging.state == State.done, col(Submission.voided_at).is_(None))
        .where(or_(col(Judging.version).is_(None), col(Judging.version) == CompetitionChallenge.version))
        .order_by(col(Submission.received_at), col(Submission.id))
    )


@dataclass(frozen=True)
class Day:
    """Where an entry stood at the end of a day of the competition's time zone."""

    date: date
    rank: int | None
    points: float | None
    solved: int


def histories(store: Store, slug: str, *, staff: bool = False) -> dict[str, list[Day]]:
    """Where every entry stood on the overall board at the end of each day since the opening, by the time of receipt and
    by what counts now. Work in proportion to all verdicts: to be kept by who asks often.

    Raises Problem unknown_competition.
    """
    with store.read() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, slug)
        view = verdicts.view_in_force(competition, now) if staff else verdicts.board_view(competition, now)
        entries = session.exec(
            select(Entry.id, Entry.name).where(Entry.competition_id == competition.id, ~col(Entry.baseline))
        ).all()
        results = list(_results(session, competition, view))
        last = now if competition.closes_at is None else min(now, competition.closes_at - timedelta(microseconds=1))
    zone = ZoneInfo(competition.time_zone)
    day, end = competition.opens_at.astimezone(zone).date(), last.astimezone(zone).date()
    rows: dict[int, dict[str, Standing]] = {entry_id or 0: {} for entry_id, _ in entries}
    found: dict[str, list[Day]] = {name: [] for _, name in entries}
    at = 0
    while day <= end:
        while at < len(results) and results[at].received_at.astimezone(zone).date() <= day:
            result = results[at]
            mine = rows.get(result.entry_id)
            if mine is not None:
                blank = Standing(
                    competition_id=result.competition_id, board=result.challenge, view=view, entry_id=result.entry_id
                )
                standings.merge(mine.setdefault(result.challenge, blank), result)
            at += 1
        totals = {entry_id: _total(view, entry_id, mine) for entry_id, mine in rows.items()}
        ranks = standings.ranks(totals.values())
        for entry_id, name in entries:
            whole = totals[entry_id or 0]
            found[name].append(Day(day, ranks.get(entry_id or 0), whole.points, whole.solved))
        day += timedelta(days=1)
    return found


def _total(view: View, entry_id: int, mine: dict[str, Standing]) -> Standing:
    whole = Standing(competition_id=0, board=OVERALL, view=view, entry_id=entry_id)
    standings.total(whole, mine.values())
    return whole


def _results(session: Session, competition: Competition, view: View) -> Iterator[standings.Result]:
    extensions = Extensions(session, competition_id=competition.id)
    query = _judged().where(Competition.id == competition.id, Submission.kind == Kind.scored)
    for verdict, submission, place, _ in session.exec(query.options(defer(VerdictRow.report))):  # type: ignore[arg-type]
        if verdict.verdict != Verdict.judge_error.value:
            result = standings.result_of(verdict, submission, place, competition, extensions, errors=False)
            if view in result.views:
                yield result


@dataclass(frozen=True)
class Grade:
    """What one person has: points by challenge, of an entry that may be a team's."""

    person: str
    email: str | None
    entry: str
    cohort: str | None
    points: dict[str, float]
    total: float


def grades(
    store: Store, slug: str, within: Sequence[int] | None = None
) -> tuple[list[CompetitionChallenge], list[Grade]]:
    """The challenges of a competition, and what everybody in it (or in some cohorts) has, as staff see it, by name.

    Raises Problem unknown_competition.
    """
    with store.read() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, slug)
        view = verdicts.view_in_force(competition, now)
        places = session.exec(
            select(CompetitionChallenge)
            .where(CompetitionChallenge.competition_id == competition.id)
            .order_by(col(CompetitionChallenge.position))
        ).all()
        slugs = {place.challenge for place in places}
        points: dict[int, dict[str, float]] = {}
        totals: dict[int, float] = {}
        rows = select(Standing).where(Standing.competition_id == competition.id, Standing.view == view)
        for row in session.exec(rows):
            if row.points is not None and row.board in slugs:
                points.setdefault(row.entry_id, {})[row.board] = row.points
            elif row.board == OVERALL:
                totals[row.entry_id] = row.points or 0.0
        query = (
            select(Member, Person.name, Entry, Cohort.name)
            .join(Person, col(Person.id) == Member.person_id)
            .join(Entry, col(Entry.id) == Member.entry_id)
            .outerjoin(Cohort, col(Cohort.id) == Entry.cohort_id)
            .where(Member.competition_id == competition.id, ~col(Entry.baseline))
            .order_by(Person.name)
        )
        if within is not None:
            query = query.where(col(Entry.cohort_id).in_(within))
        return list(places), [
            Grade(
                person=name,
                email=member.email,
                entry=entry.name,
                cohort=cohort,
                points=points.get(member.entry_id, {}),
                total=totals.get(member.entry_id, 0.0),
            )
            for member, name, entry, cohort in session.exec(query)
        ]


def export(store: Store, slug: str) -> dict[str, Any]:
    """All that the boards of a competition follow from, as plain data: rules, challenges, entries, extensions, and
    every submission with the verdict that counts. Scores are as the judge gave them, unrounded.

    Raises Problem unknown_competition.
    """
    with store.read() as session:
        competition = competitions.by_slug(session, slug)
        here = competition.id
        named = session.exec(select(Entry.id, Entry.name).where(Entry.competition_id == here)).all()
        names: dict[int | None, str] = dict(named)
        cohorts = dict(session.exec(select(Cohort.id, Cohort.name).where(Cohort.competition_id == here)).all())
        members: dict[int, list[str]] = {}
        people = select(Member.entry_id, Person.name).join(Person, col(Person.id) == Member.person_id)
        for entry_id, name in session.exec(people.where(Member.competition_id == here).order_by(Person.name)):
            members.setdefault(entry_id, []).append(name)
        places = session.exec(
            select(CompetitionChallenge)
            .where(CompetitionChallenge.competition_id == here)
            .order_by(col(CompetitionChallenge.position))
        ).all()
        slugs = {place.id: place.challenge for place in places}
        entries = session.exec(select(Entry).where(Entry.competition_id == here).order_by(Entry.name)).all()
        extensions = session.exec(
            select(Extension).where(col(Extension.entry_id).in_(names)).order_by(col(Extension.id))
        ).all()
        judged = (
            select(Submission, Judging, VerdictRow)
            .join(Judging, col(Judging.submission_id) == Submission.id)
            .outerjoin(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
            .where(Judging.effective, col(Submission.entry_id).in_(names))
            .order_by(col(Submission.received_at), col(Submission.id))
        )
        return {
            "competition": {
                "slug": competition.slug,
                "title": competition.title,
                "opens_at": _moment(competition.opens_at),
                "closes_at": _moment(competition.closes_at),
                "freeze_at": _moment(competition.freeze_at),
                "thawed_at": _moment(competition.thawed_at),
                "time_zone": competition.time_zone,
                "per_day": competition.per_day,
                "late": competition.late,
                "counts": competition.counts.value,
                "private": competition.private,
                "team_size": competition.team_size,
            },
            "challenges": [
                {
                    "slug": place.challenge,
                    "points": place.points,
                    "version": place.version,
                    "week": place.week,
                    "opens_at": _moment(place.opens_at),
                    "closes_at": _moment(place.closes_at),
                }
                for place in places
            ],
            "entries": [
                {
                    "name": entry.name,
                    "members": members.get(entry.id or 0, []),
                    "cohort": cohorts.get(entry.cohort_id),
                    "baseline": entry.baseline,
                }
                for entry in entries
            ],
            "extensions": [
                {
                    "entry": names[one.entry_id],
                    "challenge": slugs.get(one.competition_challenge_id),
                    "closes_at": _moment(one.closes_at),
                }
                for one in extensions
            ],
            "submissions": [
                {
                    "id": submission.id,
                    "kind": submission.kind.value,
                    "entry": names[submission.entry_id],
                    "challenge": submission.challenge,
                    "received_at": _moment(submission.received_at),
                    "voided": submission.voided_at is not None,
                    "state": judging.state.value,
                    "version": judging.version,
                    "verdict": verdict.verdict if verdict else None,
                    "score": verdict.score if verdict else None,
                    "private_score": verdict.private_score if verdict else None,
                    "shown": verdict.shown if verdict else None,
                }
                for submission, judging, verdict in session.exec(judged)
            ],
        }


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()


def standing_of(store: Store, slug: str, person_id: int) -> tuple[str, int | None, float | None]:
    """(entry, rank, points) of somebody on the overall board as it is shown.

    Raises Problem unknown_competition, not_entered.
    """
    with store.read() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, slug)
        mine = select(Entry).join(Member, col(Member.entry_id) == Entry.id)
        here = (Member.competition_id == competition.id, Member.person_id == person_id)
        entry = session.exec(mine.where(*here)).first()
        if entry is None:
            raise Problem("not_entered")
        view = verdicts.board_view(competition, now)
        board = (Standing.competition_id == competition.id, Standing.board == OVERALL, Standing.view == view)
        row = session.exec(select(Standing).where(*board, Standing.entry_id == entry.id)).first()
        if row is None or row.points is None:
            return entry.name, None, None
        better = (
            select(Standing.id)
            .join(Entry, col(Entry.id) == Standing.entry_id)
            .where(*board, col(Standing.points) > row.points, ~col(Entry.baseline))
        )
        return entry.name, 1 + len(session.exec(better).all()), row.points


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


def glance(store: Store, slug: str, within: Sequence[int] | None = None) -> Glance:
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
