"""The pages that list: challenges, one's own submissions, and how the judge is doing; knows no form."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.auth import peer
from api.context import Shared
from api.live import Topic
from api.pages import streams
from api.pages.condition import Condition
from api.pages.render import page
from api.pages.streams import Seen
from api.pages.visitor import Member, Visitor, of_request
from api.routes import challenges as challenge_routes
from api.store import leaderboards, submissions

PAGE = 50
RECHECK = 2.0
"""Seconds after which an open status page looks again: what it shows changes without an event of its own."""
Cursor = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{22}$")]

router = APIRouter(include_in_schema=False)


def _condition(request: Request) -> Condition:
    condition = request.app.state.condition
    assert isinstance(condition, Condition)
    return condition


Now = Annotated[Condition, Depends(_condition)]


@router.get("/challenges")
def challenges(context: Shared, visit: Visitor) -> HTMLResponse:
    """All challenges by skill; for somebody signed in with how far they are."""
    who = visit.principal
    return page(
        "challenges.html",
        visit,
        challenges=challenge_routes.list_challenges(context, None),
        mine=leaderboards.bests(context.store, who.person_id) if who else None,
    )


@router.get("/submissions")
def my_submissions(context: Shared, visit: Member, cursor: Cursor = None) -> HTMLResponse:
    """Everything I handed in, newest first; an administrator's own too, and nobody else's."""
    assert visit.principal is not None
    found = submissions.listed(context.store, owner=visit.principal.person_id, cursor=cursor, limit=PAGE)
    return page(
        "submissions.html",
        visit,
        submissions=found.submissions,
        next_cursor=found.next_cursor,
        older=cursor is not None,
        titles={challenge.slug: challenge.title for challenge in context.challenges.values()},
    )


@router.get("/status")
def status(visit: Visitor, condition: Now) -> HTMLResponse:
    """The queue, who works on it, and how long a submission handed in now may take."""
    return page("status.html", visit, shown=condition.current())


async def _may_follow(request: Request, context: Shared, condition: Now) -> str:
    await run_in_threadpool(condition.current)  # what fails is refused before the stream begins
    context.live.check(peer(request))
    return peer(request)


@router.get("/status/live", response_class=EventSourceResponse, dependencies=[Depends(of_request)])
async def live_status(
    context: Shared, condition: Now, who: Annotated[str, Depends(_may_follow)], seen: Seen
) -> AsyncIterator[ServerSentEvent]:
    """The page's HTML, whenever it has changed."""
    async for event in streams.follow(
        context.live, Topic(), who, lambda _: condition.current(), sent=seen, recheck=RECHECK
    ):
        yield event
