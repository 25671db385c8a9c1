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

from api.auth import Viewer, peer
from api.context import Context, Shared
from api.live import Topic
from api.problems import problems
from api.routes.words import MAX_ID, Answer, PathSlug, QuerySlug, Route
from api.store import competitions, events, leaderboards
from api.store.leaderboards import Board
from api.store.tables import View

router = APIRouter(tags=["leaderboards"], route_class=Route)

EXPORT_ROWS = 1000

LastEventId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=MAX_ID)]


class RowAnswer(Answer):
    rank: int | None
    name: str
    points: float | None
    score: float | None
    solved: int
    reached_at: datetime | None
    challenges: dict[str, float]


class BoardAnswer(Answer):
    competition: str
    title: str
    challenge: str | None
    view: View
    phase: competitions.Phase
    challenges: list[str]
    entries: int
    event_id: int
    offset: int
    rows: list[RowAnswer]


@router.get("/leaderboards/{competition}", responses=problems("unknown_competition", "unknown_challenge"))
def read_board(
    context: Shared,
    _viewer: Viewer,
    competition: PathSlug,
    challenge: QuerySlug = None,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> BoardAnswer:
    """The overall board, or that of one challenge."""
    board = leaderboards.board(context.store, competition, challenge=challenge, offset=offset, limit=limit)
    return BoardAnswer.model_validate(board)


@router.get(
    "/leaderboards/{competition}/export.csv",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The whole board", "content": {"text/csv": {}}},
        **problems("unknown_competition", "unknown_challenge"),
    },
)
def export_board(
    context: Shared, _viewer: Viewer, competition: PathSlug, challenge: QuerySlug = None
) -> StreamingResponse:
    """The whole board as CSV for a spreadsheet or a gradebook: UTF-8, points with a point, a column a challenge."""
    first = leaderboards.board(context.store, competition, challenge=challenge, limit=1)
    name = f"{competition}-{challenge}.csv" if challenge else f"{competition}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_csv(context, first), media_type="text/csv; charset=utf-8", headers=headers)


def _csv(context: Context, first: Board) -> Iterator[str]:
    parts = [] if first.challenge else first.challenges
    yield _line(["rank", "name", "points", "solved", "reached_at", *parts])
    for offset in range(0, first.entries, EXPORT_ROWS):
        page = leaderboards.board(
            context.store, first.competition, challenge=first.challenge, offset=offset, limit=EXPORT_ROWS
        )
        for row in page.rows:
            reached = row.reached_at.isoformat() if row.reached_at else None
            points = [row.challenges.get(slug) for slug in parts]
            yield _line([row.rank, _harmless(row.name), row.points, row.solved, reached, *points])


def _line(cells: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(["" if cell is None else cell for cell in cells])
    return out.getvalue()


def _harmless(name: str) -> str:
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
