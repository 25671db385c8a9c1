"""Leaderboards and their news; public."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field

from api.auth import Principal, Viewer, peer
from api.context import Context, Shared
from api.errors import Problem
from api.live import Topic
from api.problems import problems
from api.routes.words import MAX_ID, Answer, PathSlug, QuerySlug, Route
from api.store import competitions, events, leaderboards, staff
from api.store.leaderboards import Board, Which
from api.store.tables import Scope, View

router = APIRouter(tags=["leaderboards"], route_class=Route)

EXPORT_ROWS = 1000

LastEventId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=MAX_ID)]


class RowAnswer(Answer):
    rank: int | None
    name: Annotated[str | None, Field(description="Null below the ranks that the competition names.")]
    points: float | None
    score: float | None
    solved: int
    reached_at: datetime | None
    challenges: dict[str, float]
    error: Annotated[float | None, Field(description="The standard error of the score, where it is a metric's.")]
    tie_group: Annotated[
        int | None, Field(description="From 1: who has the same is not told apart from the first of them (95 %).")
    ]


class BoardAnswer(Answer):
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
    rows: list[RowAnswer]
    baselines: Annotated[list[RowAnswer], Field(description="Handed in by staff for comparison; without a rank.")]


def which_board(
    challenge: QuerySlug = None,
    week: Annotated[int | None, Query(ge=1, le=1000, description="Counted from 1.")] = None,
    cohort: Annotated[str | None, Query(max_length=64)] = None,
) -> Which:
    """Which board is asked for. Raises Problem invalid_request."""
    if challenge is not None and week is not None:
        raise Problem("invalid_request", "A challenge or a week, not both.")
    return Which(challenge, week, cohort)


Chosen = Annotated[Which, Depends(which_board)]
_refusals = problems("unknown_competition", "unknown_challenge", "not_found")


def scale_of(context: Context, challenge: str | None) -> float | None:
    """Points of the score for one of the natural metric, where one metric decides."""
    known = context.challenges.get(challenge or "")
    if known is None:
        return None
    slopes = [
        100 * group.weight / abs(group.hi - group.lo)
        for group in known.groups
        if group.lo is not None and group.hi is not None
    ]
    whole = sum(group.weight for group in known.groups)
    return slopes[0] / whole if len(slopes) == 1 and whole else None


def is_staff(context: Context, viewer: Principal | None, competition: str) -> bool:
    """Whether somebody looks after a competition, and came with a token for that."""
    if viewer is None or Scope.organise not in viewer.scopes:
        return False
    return viewer.admin or bool(staff.duty(context.store, competition, viewer.person_id))


@router.get("/leaderboards/{competition}", responses=_refusals)
def read_board(
    context: Shared,
    viewer: Viewer,
    competition: PathSlug,
    which: Chosen,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> BoardAnswer:
    """The overall board, or that of one challenge or week, of all or of one cohort; staff see it unfrozen."""
    board = leaderboards.board(
        context.store,
        competition,
        which,
        offset=offset,
        limit=limit,
        staff=is_staff(context, viewer, competition),
        scale=scale_of(context, which.challenge),
    )
    return BoardAnswer.model_validate(board)


@router.get(
    "/leaderboards/{competition}/export.csv",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The whole board", "content": {"text/csv": {}}},
        **_refusals,
    },
)
def export_board(context: Shared, viewer: Viewer, competition: PathSlug, which: Chosen) -> StreamingResponse:
    """The whole board as CSV for a spreadsheet or a gradebook: UTF-8, points with a point, a column a challenge."""
    seen = is_staff(context, viewer, competition)
    first = leaderboards.board(context.store, competition, which, limit=1, staff=seen)
    name = "-".join([competition, *(str(one) for one in (which.challenge, which.week) if one is not None)])
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(_csv(context, first, which, seen), media_type="text/csv; charset=utf-8", headers=headers)


def _csv(context: Context, first: Board, which: Which, seen: bool) -> Iterator[str]:
    parts = [] if first.challenge else first.challenges
    yield _line(["rank", "name", "points", "solved", "reached_at", *parts])
    for offset in range(0, first.entries, EXPORT_ROWS):
        page = leaderboards.board(context.store, first.competition, which, offset=offset, limit=EXPORT_ROWS, staff=seen)
        for row in page.rows:
            reached = row.reached_at.isoformat() if row.reached_at else None
            points = [row.challenges.get(slug) for slug in parts]
            yield _line([row.rank, harmless(row.name or ""), row.points, row.solved, reached, *points])


def _line(cells: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(["" if cell is None else cell for cell in cells])
    return out.getvalue()


def harmless(name: str) -> str:
    """A name as text: a spreadsheet would run one that begins like a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name


async def _stream(
    request: Request,
    context: Shared,
    _viewer: Viewer,
    competition: PathSlug,
    last_event_id: LastEventId = None,
    after: Annotated[int | None, Query(ge=0, le=MAX_ID, description="A board's `event_id`.")] = None,
) -> tuple[Topic, str, int]:
    number = await run_in_threadpool(competitions.number, context.store, competition)
    since = last_event_id if last_event_id is not None else after
    if since is None:
        since = await run_in_threadpool(events.last_id, context.store)
    context.live.check(peer(request))
    return Topic(competition_id=number), peer(request), since


@router.get(
    "/leaderboards/{competition}/events",
    response_class=EventSourceResponse,
    responses=problems("unknown_competition", "too_many_streams"),
)
async def follow_board(
    context: Shared, stream: Annotated[tuple[Topic, str, int], Depends(_stream)]
) -> AsyncIterator[ServerSentEvent]:
    """An event `board` for every change of a total; without Last-Event-ID (or `after`) from now on."""
    topic, who, since = stream
    async for event in context.live.stream(topic, who, since):
        yield ServerSentEvent(id=str(event.id), event=event.kind, data=event.payload)
