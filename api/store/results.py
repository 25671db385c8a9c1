"""Results as they stand, for profiles, histories and exports; knows no formula but that of the standings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

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
    Cohort,
    Competition,
    CompetitionChallenge,
    Entry,
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
