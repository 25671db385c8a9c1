"""A page of a leaderboard: one query that JSON and HTML share; knows what a viewer may see at this moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from api.errors import Problem
from api.store import competitions, events, verdicts
from api.store.database import Store
from api.store.tables import OVERALL, Competition, CompetitionChallenge, Entry, Standing, View


@dataclass(frozen=True)
class Row:
    """One line; `rank` and `points` are None without a score, `challenges` the points of an overall line."""

    rank: int | None
    name: str
    points: float | None
    score: float | None
    solved: int
    reached_at: datetime | None
    challenges: dict[str, float]


@dataclass(frozen=True)
class Board:
    """A page of a board, as of its competition's public event `event_id`; `entries` counts all its lines."""

    competition: str
    title: str
    challenge: str | None
    view: View
    phase: competitions.Phase
    challenges: list[str]
    entries: int
    event_id: int
    offset: int
    rows: list[Row]


@dataclass(frozen=True)
class Best:
    """How far somebody is with a challenge, over all their competitions."""

    score: float | None
    solved: bool


def bests(store: Store, person_id: int) -> dict[str, Best]:
    """By challenge, for the challenges in which somebody has a verdict that counts."""
    with store.read() as session:
        now = store.now(session)
        rows = session.exec(
            select(Standing, Competition.closes_at)
            .join(Entry, col(Entry.id) == Standing.entry_id)
            .join(Competition, col(Competition.id) == Standing.competition_id)
            .where(Entry.person_id == person_id, Standing.board != OVERALL)
        ).all()
        found: dict[str, Best] = {}
        for row, closes_at in rows:
            if row.view is not verdicts.view_in_force(closes_at, now):
                continue
            held = found.get(row.board, Best(None, False))
            scores = [score for score in (row.score, held.score) if score is not None]
            found[row.board] = Best(max(scores, default=None), bool(row.solved) or held.solved)
        return found


def board(
    store: Store, competition_slug: str, *, challenge: str | None = None, offset: int = 0, limit: int = 100
) -> Board:
    """The overall board, or that of one challenge: most points first, equal points share a rank and stand in the order
    in which they were reached, and who has no score stands below all who have.

    Raises Problem unknown_competition, unknown_challenge.
    """
    with store.read() as session:
        now = store.now(session)
        competition = competitions.by_slug(session, competition_slug)
        assert competition.id is not None
        slugs = session.exec(
            select(CompetitionChallenge.challenge)
            .where(CompetitionChallenge.competition_id == competition.id)
            .order_by(col(CompetitionChallenge.position))
        ).all()
        if challenge is not None and challenge not in slugs:
            raise Problem("unknown_challenge", f"{challenge} is not part of {competition_slug}.")
        view = verdicts.view_in_force(competition.closes_at, now)
        here = (
            Standing.competition_id == competition.id,
            Standing.board == (challenge or OVERALL),
            Standing.view == view,
        )
        return Board(
            competition=competition.slug,
            title=competition.title,
            challenge=challenge,
            view=view,
            phase=competitions.phase(competition, now),
            challenges=list(slugs),
            entries=session.exec(select(func.count()).select_from(Standing).where(*here)).one(),
            event_id=events.newest(session, competition_id=competition.id),
            offset=offset,
            rows=_rows(session, here, offset, limit, parts_of=() if challenge else slugs),
        )


def _rows(session: Session, here: tuple[bool, ...], offset: int, limit: int, *, parts_of: Sequence[str]) -> list[Row]:
    found = session.exec(
        select(Standing, Entry.name)
        .join(Entry, col(Entry.id) == Standing.entry_id)
        .where(*here)
        .order_by(col(Standing.points).desc().nulls_last(), col(Standing.reached_at), col(Standing.entry_id))
        .offset(offset)
        .limit(limit)
    ).all()
    parts = _parts(session, [standing for standing, _ in found], parts_of)
    rows: list[Row] = []
    for place, (standing, name) in enumerate(found, start=offset + 1):
        rank: int | None = place
        if standing.points is None:
            rank = None
        elif rows and rows[-1].points == standing.points:
            rank = rows[-1].rank
        elif not rows and offset:
            better = select(func.count()).select_from(Standing).where(*here, col(Standing.points) > standing.points)
            rank = 1 + session.exec(better).one()
        challenges = parts.get(standing.entry_id, {})
        rows.append(Row(rank, name, standing.points, standing.score, standing.solved, standing.reached_at, challenges))
    return rows


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
