"""The pages: every one reads through the functions that the JSON routes use, and hands the result to a template."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api import upload
from api.auth import Principal, peer
from api.blobs import unpack
from api.context import Context, Shared
from api.errors import Problem
from api.live import Topic
from api.pages import sources, streams
from api.pages.boards import PAGE, RECHECK, Boards, Key, marked
from api.pages.render import PRIVATE, fragment, page
from api.pages.statements import article
from api.pages.streams import Fragment, Render, Seen
from api.pages.visitor import (
    FORM_FIELD,
    FormToken,
    Member,
    OwnForm,
    Reader,
    Visit,
    Visitor,
    check_own,
    of_request,
    own_origin,
)
from api.routes import challenges as challenge_routes
from api.routes import submissions as submission_routes
from api.routes.leaderboards import Chosen
from api.routes.submissions import hand_in
from api.routes.words import PathSlug, SubmissionId
from api.store import competitions, quota, submissions

QUEUE_RECHECK = 3.0
"""Seconds after which the page of a waiting submission looks at its place in the queue again."""
ATTEMPTS = 10
"""Of the viewer's own submissions that a challenge's page lists."""
DOWNLOAD = "application/octet-stream"

router = APIRouter(include_in_schema=False)


def _boards(request: Request) -> Boards:
    boards = request.app.state.boards
    assert isinstance(boards, Boards)
    return boards


AllBoards = Annotated[Boards, Depends(_boards)]
PageNumber = Annotated[int, Query(alias="page", ge=1, le=10_000_000 // PAGE)]
anybody = [Depends(of_request)]
"""Whoever asks is counted."""


@router.get("/")
def home(context: Shared, visit: Visitor) -> HTMLResponse:
    """What this is, the competitions and the challenges."""
    return page(
        "home.html",
        visit,
        competitions=competitions.listed(context.store),
        challenges=challenge_routes.list_challenges(context, None),
    )


@router.get("/leaderboards/{competition}")
def board(
    context: Shared,
    boards: AllBoards,
    visit: Visitor,
    competition: PathSlug,
    which: Chosen,
    page_number: PageNumber = 1,
) -> HTMLResponse:
    """The overall board, or that of one challenge, week or cohort; the viewer's own line is marked."""
    shown = boards.current(Key(competition, which, page_number))
    mine = marked(shown, _entry(context, visit, competition))
    return page("board.html", visit, shown=mine, page=page_number, titles=boards.titles(shown.competition))


def _entry(context: Context, visit: Visit, competition: str) -> str | None:
    """The name under which the viewer stands on the competition's boards."""
    who = visit.principal
    return competitions.entry_of(context.store, competition, who.person_id) if who else None


@dataclass(frozen=True)
class Stream:
    """A stream that may begin."""

    topic: Topic
    who: str
    render: Render
    sent: str | None


async def _board_stream(
    request: Request,
    context: Shared,
    boards: AllBoards,
    visit: Visitor,
    seen: Seen,
    competition: PathSlug,
    which: Chosen,
    page_number: PageNumber = 1,
) -> Stream:
    key = Key(competition, which, page_number)
    await run_in_threadpool(boards.current, key)  # what is unknown is refused before the stream begins
    number = await run_in_threadpool(competitions.number, context.store, competition)
    mine = await run_in_threadpool(_entry, context, visit, competition)
    context.live.check(peer(request))
    return Stream(
        Topic(competition_id=number), peer(request), lambda event: marked(boards.current(key, event), mine), seen
    )


@router.get("/leaderboards/{competition}/live", response_class=EventSourceResponse)
async def live_board(
    context: Shared, stream: Annotated[Stream, Depends(_board_stream)]
) -> AsyncIterator[ServerSentEvent]:
    """The board's HTML, whenever it has changed."""
    async for event in streams.follow(
        context.live, stream.topic, stream.who, stream.render, sent=stream.sent, recheck=RECHECK
    ):
        yield event


@router.get("/challenges/{slug}")
def challenge(request: Request, context: Shared, visit: Visitor, slug: PathSlug) -> HTMLResponse:
    """What to do, by which rules, with which files, and how to hand it in."""
    return challenge_page(request, context, visit, slug)


def challenge_page(
    request: Request, context: Context, visit: Visit, slug: str, refusal: Problem | None = None
) -> HTMLResponse:
    """The page of a challenge, with why an upload from it was refused."""
    told = challenge_routes.describe(context, context.challenge(slug))
    played = [one for one in competitions.listed(context.store) if slug in {place.slug for place in one.challenges}]
    return page(
        "challenge.html",
        visit,
        status=refusal.code.status if refusal else 200,
        challenge=told,
        attempts=_attempts(context, visit, slug),
        chances=quota.of_challenge(context.store, slug, visit.principal.person_id) if visit.principal else [],
        statement=article(told.statement_html),
        competitions=played,
        base=own_origin(request, context),
        refusal=refusal.document() if refusal else None,
    )


def _attempts(context: Context, visit: Visit, slug: str) -> list[submissions.SubmissionView] | None:
    """What the viewer handed in for this challenge lately; None for who is not signed in."""
    if visit.principal is None:
        return None
    return submissions.listed(
        context.store, owner=visit.principal.person_id, challenge=slug, limit=ATTEMPTS
    ).submissions


@router.post("/challenges/{slug}/submissions", dependencies=[OwnForm])
async def submit(request: Request, context: Shared, visit: Member, slug: PathSlug) -> Response:
    """Takes what was handed in with the form of a challenge's page; a refusal stands on that page again."""
    try:
        async with upload.read_form(request) as form:
            texts = upload.form_texts(form, (*upload.TEXT_FIELDS, FORM_FIELD))
            principal = check_own(visit, texts.pop(FORM_FIELD, None))
            context.limiter.hit("submission", str(principal.person_id))
            named = {name: text for name, text in texts.items() if text}
            got = await upload.from_form(form, context, named | {"challenge": slug})
        receipt = await hand_in(context, principal, got)
    except Problem as refusal:
        if refusal.code.code in ("foreign_form", "unknown_challenge"):
            raise
        return await run_in_threadpool(challenge_page, request, context, visit, slug, refusal)
    return RedirectResponse(f"/submissions/{receipt['id']}", 303)


@router.get("/challenges/{slug}/starter/{name}", dependencies=anybody)
def starter(context: Shared, slug: PathSlug, name: str) -> Response:
    """One of the files a participant starts from."""
    content = context.challenge(slug).starter.get(name)
    if content is None:
        raise Problem("not_found")
    return Response(content, media_type=DOWNLOAD, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.get("/submissions/{submission_id}")
def submission(context: Shared, visit: Member, principal: Reader, submission_id: SubmissionId) -> HTMLResponse:
    """A submission, for its owner; somebody else's is as missing as a missing one."""
    shown = _submission(context, visit, principal, submission_id)
    source = submissions.source(context.store, submission_id, owner=principal.sees)
    return page(
        "submission.html",
        visit,
        headers=PRIVATE,
        id=submission_id,
        shown=shown,
        digest=source.digest,
        files=_files(context, source),
    )


def _files(context: Context, source: submissions.Source) -> list[sources.Shown] | None:
    """What was handed in; None when the upload is gone, which takes nothing from the verdict."""
    known = context.challenges.get(source.challenge)
    if source.erased:
        return None
    try:
        return sources.shown(unpack(context.blobs.get(source.digest)), first=known.submit if known else "")
    except FileNotFoundError:
        return None


def _submission(context: Context, visit: Visit, principal: Principal, submission_id: str) -> Fragment:
    view = submissions.find(context.store, submission_id, owner=principal.sees)
    told = submission_routes.describe(context, view)
    known = context.challenges.get(told.challenge)
    html = fragment(
        "_submission.html",
        submission=told,
        form_token=visit.form_token,
        title=known.title if known else told.challenge,
        limits=known.limits if known else None,
        competition=competitions.find(context.store, told.competition).title,
    )
    return Fragment(hashlib.sha256(html.encode()).hexdigest()[:16], html, view.final)


def _submission_stream(
    context: Shared, visit: Member, principal: Reader, submission_id: SubmissionId, seen: Seen
) -> Stream:
    def render(_: int | None = None) -> Fragment:
        return _submission(context, visit, principal, submission_id)

    render()  # what is not theirs is refused before the stream begins
    who = str(principal.person_id)
    context.live.check(who)
    return Stream(Topic(submission_id=submission_id), who, render, seen)


@router.get("/submissions/{submission_id}/live", response_class=EventSourceResponse)
async def live_submission(
    context: Shared, stream: Annotated[Stream, Depends(_submission_stream)]
) -> AsyncIterator[ServerSentEvent]:
    """The submission's HTML, whenever it has changed, until the verdict."""
    async for event in streams.follow(
        context.live, stream.topic, stream.who, stream.render, sent=stream.sent, recheck=QUEUE_RECHECK
    ):
        yield event


@router.post("/submissions/{submission_id}/cancel", dependencies=[OwnForm])
def cancel(context: Shared, visit: Member, submission_id: SubmissionId, form: FormToken = "") -> Response:
    """Cancels a submission; its page says what became of it, a verdict that came first as well."""
    principal = check_own(visit, form)
    try:
        submission_routes.cancel_submission(context, principal, submission_id)
    except Problem as refusal:
        if refusal.code.code != "already_done":
            raise
    return RedirectResponse(f"/submissions/{submission_id}", 303)


@router.get("/submissions/{submission_id}/source")
def source(context: Shared, principal: Reader, submission_id: SubmissionId) -> Response:
    """The submitted file, always as a download."""
    response = submission_routes.download_source(context, principal, submission_id)
    response.headers.update(PRIVATE)
    return response
