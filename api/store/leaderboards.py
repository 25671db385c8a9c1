"""A page of a leaderboard: one query that JSON and HTML share; knows what a viewer may see at this moment."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from api.errors import Problem
from api.store import competitions, events, standings, verdicts
from api.store.database import Store
from api.store.tables import (
    OVERALL,
    WEEK,
    Cohort,
    Competition,
    CompetitionChallenge,
    Entry,
    Member,
    Standing,
    View,
)

MOST_BASELINES = 20
TIED = 1.96
"""Standard errors of a difference within which two scores are not told apart (95 %, normal)."""


@dataclass(frozen=True)
class Row:
    """One line; `rank` and `points` are None without a score, `challenges` the points of an overall line."""

    rank: int | None
    name: str | None
    """None below the ranks that are named."""
    entry: str
    """Who it is, for those who may know."""
    points: float | None
    score: float | None
    solved: int
    reached_at: datetime | None
    challenges: dict[str, float]
    error: float | None = None
    """The standard error of the score, in its own unit."""
    tie_group: int | None = None
    """Counted from 1 at the top: whoever has the same is not told apart from the first of them by the hidden tests."""


@dataclass(frozen=True)
class Which:
    """Which board of a competition: the overall one, that of a challenge or of a week (from 1), of all or a cohort."""

    challenge: str | None = None
    week: int | None = None
    cohort: str | None = None


@dataclass(frozen=True)
class Board:
    """A page of a board, as of its competition's public event `event_id`; `entries` counts all its lines."""

    competition: str
    title: str
    challenge: str | None
    week: int | None
    cohort: str | None
    view: View
    phase: competitions.Phase
    challenges: list[str]
    entries: int
    event_id: int
    offset: int
    rows: list[Row]
    baselines: list[Row]
    """What staff handed in for comparison: it has no rank."""


@dataclass(frozen=True)
class Best:
    """How far somebody is with a challenge, over all their competitions."""

    score: float | None
    solved: bool


def bests(store: Store, person_id: int, slug: str | None = None) -> dict[str, Best]:
    """By challenge, for the challenges in which somebody has a verdict that counts, anywhere or in one competition."""
    with store.read() as session:
        now = store.now(session)
        query = (
            select(Standing, Competition)
            .join(Member, col(Member.entry_id) == Standing.entry_id)
            .join(Competition, col(Competition.id) == Standing.competition_id)
            .where(Member.person_id == person_id)
        )
        rows = session.exec(query if slug is None else query.where(Competition.slug == slug)).all()
        found: dict[str, Best] = {}
        for row, competition in rows:
            above = row.board == OVERALL or row.board.startswith(WEEK)
            if above or row.view is not verdicts.view_in_force(competition, now):
                continue
            held = found.get(row.board, Best(None, False))
            scores = [score for score in (row.score, held.score) if score is not None]
            found[row.board] = Best(max(scores, default=None), bool(row.solved) or held.solved)
        return found


def board(
    store: Store,
    competition_slug: str,
    which: Which = Which(),
    *,
    offset: int = 0,
    limit: int = 100,
    staff: bool = False,
    scale: float | None = None,
) -> Board:
    """A board: most points first, equal points share a rank and stand in the order in which they were reached, and who
    has no score stands below all who have. Staff see it unfrozen and with all names.

    `scale`: points of the score for one of the natural metric, where standard errors are to be told.

    Raises Problem unknown_competition, unknown_challenge, not_found (a week or cohort that is none).
    """
    with store.read() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, competition_slug)
        assert competition.id is not None
        query = select(CompetitionChallenge).where(CompetitionChallenge.competition_id == competition.id)
        places = session.exec(query.order_by(col(CompetitionChallenge.position))).all()
        name, slugs = _named(which, places, competition_slug)
        view = verdicts.view_in_force(competition, now) if staff else verdicts.board_view(competition, now)
        found = _Query(session, competition.id, name, view, _cohort_id(session, competition.id, which.cohort))
        rows = found.rows(offset, limit)
        parts = () if which.challenge else slugs
        named = None if staff else competition.named
        return Board(
            competition=competition.slug,
            title=competition.title,
            challenge=which.challenge,
            week=which.week,
            cohort=which.cohort,
            view=view,
            phase=competitions.phase(competition, now),
            challenges=list(slugs),
            entries=found.count(),
            event_id=events.newest(session, competition_id=competition.id),
            offset=offset,
            rows=_lines(session, found, rows, offset, parts, named, scale if which.challenge else None),
            baselines=_baselines(session, found, parts),
        )


def _named(which: Which, places: Sequence[CompetitionChallenge], slug: str) -> tuple[str, list[str]]:
    """The name of a board's rows, and the challenges it adds up. Raises Problem unknown_challenge, not_found."""
    slugs = [place.challenge for place in places]
    if which.challenge is not None:
        if which.challenge not in slugs:
            raise Problem("unknown_challenge", f"{which.challenge} is not part of {slug}.")
        return which.challenge, slugs
    if which.week is None:
        return OVERALL, slugs
    name = f"{WEEK}{which.week}"
    weeks = standings.weeks(places)
    parts = [one for one in slugs if weeks.get(one) == name]
    if not parts:
        raise Problem("not_found", f"{slug} has no week {which.week}.")
    return name, parts


def _cohort_id(session: Session, competition_id: int, name: str | None) -> int | None:
    if name is None:
        return None
    query = select(Cohort.id).where(Cohort.competition_id == competition_id, Cohort.name == name)
    found = session.exec(query).first()
    if found is None:
        raise Problem("not_found", f"There is no cohort {name}.")
    return found


class _Query:
    """The rows of one board, by rank."""

    def __init__(self, session: Session, competition_id: int, board: str, view: View, cohort_id: int | None) -> None:
        self._session = session
        self._here: tuple[Any, ...] = (
            Standing.competition_id == competition_id,
            Standing.board == board,
            Standing.view == view,
        )
        # named one by one, they are few: so that counting needs no look at every entry
        baselines = select(Entry.id).where(Entry.competition_id == competition_id, col(Entry.baseline))
        self._whose: tuple[Any, ...] = (col(Standing.entry_id).not_in(session.exec(baselines).all()),)
        self._of_cohort = cohort_id is not None
        if cohort_id is not None:
            self._whose += (Entry.cohort_id == cohort_id,)

    def rows(self, offset: int, limit: int, *, baselines: bool = False) -> Sequence[tuple[Standing, str]]:
        whose = (col(Entry.baseline),) if baselines else self._whose
        query = select(Standing, Entry.name).join(Entry, col(Entry.id) == Standing.entry_id)
        query = query.where(*self._here, *whose)
        order = (col(Standing.points).desc().nulls_last(), col(Standing.reached_at), col(Standing.entry_id))
        return self._session.exec(query.order_by(*order).offset(offset).limit(limit)).all()

    def count(self, *more: Any) -> int:
        query = select(func.count()).select_from(Standing)
        if self._of_cohort:
            query = query.join(Entry, col(Entry.id) == Standing.entry_id)
        return self._session.exec(query.where(*self._here, *self._whose, *more)).one()

    def better_than(self, points: float) -> int:
        return self.count(col(Standing.points) > points)

    def errors(self, limit: int) -> Sequence[tuple[int, float | None, float | None]]:
        """Entry, score and standard error of the first ones, the highest score first."""
        query = select(Standing.entry_id, Standing.score, Standing.standard_error)
        query = query.join(Entry, col(Entry.id) == Standing.entry_id).where(*self._here, *self._whose)
        order = (col(Standing.points).desc().nulls_last(), col(Standing.reached_at), col(Standing.entry_id))
        return self._session.exec(query.where(col(Standing.score).is_not(None)).order_by(*order).limit(limit)).all()


def _lines(
    session: Session,
    found: _Query,
    rows: Sequence[tuple[Standing, str]],
    offset: int,
    slugs: Sequence[str],
    named: int | None,
    scale: float | None,
) -> list[Row]:
    parts = _parts(session, [standing for standing, _ in rows], slugs)
    groups = tie_groups(found.errors(offset + len(rows)), scale) if scale is not None else {}
    lines: list[Row] = []
    for place, (standing, name) in enumerate(rows, start=offset + 1):
        rank: int | None = place
        if standing.points is None:
            rank = None
        elif lines and lines[-1].points == standing.points:
            rank = lines[-1].rank
        elif not lines and offset:
            rank = 1 + found.better_than(standing.points)
        shown = named is None or (rank is not None and rank <= named)
        line = _row(standing, name, rank, parts, scale)
        lines.append(replace(line, name=name if shown else None, tie_group=groups.get(standing.entry_id)))
    return lines


def _row(
    standing: Standing, name: str, rank: int | None, parts: Mapping[int, dict[str, float]], scale: float | None
) -> Row:
    error = standing.standard_error
    return Row(
        rank=rank,
        name=name,
        entry=name,
        points=standing.points,
        score=standing.score,
        solved=standing.solved,
        reached_at=standing.reached_at,
        challenges=parts.get(standing.entry_id, {}),
        error=None if error is None or scale is None else round(error * scale, standings.PRECISION),
    )


def _baselines(session: Session, found: _Query, slugs: Sequence[str]) -> list[Row]:
    rows = found.rows(0, MOST_BASELINES, baselines=True)
    parts = _parts(session, [standing for standing, _ in rows], slugs)
    return [_row(standing, name, None, parts, None) for standing, name in rows if standing.score is not None or parts]


def tie_groups(rows: Iterable[tuple[int, float | None, float | None]], scale: float) -> dict[int, int]:
    """The group of each entry (given with score and standard error, the best first): a group ends where a score is
    lower than that of its first by more than 1.96 standard errors of the difference, taken as independent."""
    groups: dict[int, int] = {}
    group, first = 0, (0.0, 0.0)
    for entry_id, score, error in rows:
        if score is None:
            continue
        own = (error or 0.0) * scale
        if not group or first[0] - score > TIED * math.hypot(first[1], own):
            group, first = group + 1, (score, own)
        groups[entry_id] = group
    return groups


def _parts(session: Session, shown: list[Standing], slugs: Sequence[str]) -> dict[int, dict[str, float]]:
    """Points in these challenges of the entries on the page."""
    parts: dict[int, dict[str, float]] = {}
    if not shown or not slugs:
        return parts
    for row in session.exec(
        select(Standing).where(
            Standing.competition_id == shown[0].competition_id,
            col(Standing.board).in_(slugs),  # named one by one, so that the unique index leads to each row
            Standing.view == shown[0].view,
            col(Standing.entry_id).in_([standing.entry_id for standing in shown]),
        )
    ):
        if row.points is not None:
            parts.setdefault(row.entry_id, {})[row.board] = row.points
    return parts
