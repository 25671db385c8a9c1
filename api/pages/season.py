"""A competition as one who takes part sees it, with what is announced and asked; and one's own skill profile."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.auth import Care, care_of, peer
from api.context import Context, Shared
from api.errors import Problem
from api.live import Topic
from api.names import PathSlug, prose
from api.pages import streams
from api.pages.charts import line, polygon
from api.pages.render import fragment, page
from api.pages.streams import Fragment, Seen
from api.pages.visitor import FormToken, Member, OwnForm, Visit, Visitor, check_own
from api.routes.results import Histories, histories_of, profile_of
from api.store import competitions, leaderboards, quota, results, words
from api.store.competitions import ChallengePlace, CompetitionView
from api.store.leaderboards import Best
from api.store.quota import Attempts
from api.store.tables import Scope

RECHECK = 30.0

router = APIRouter(include_in_schema=False)

Prose = Annotated[str, Form(max_length=5000)]


@dataclass(frozen=True)
class Line:
    """One challenge on the page of a competition."""

    place: ChallengePlace
    title: str
    best: Best | None
    attempts: Attempts | None


@dataclass(frozen=True)
class Mine:
    """Where the viewer stands."""

    entry: str
    rank: int | None
    points: float | None
    days: Sequence[results.Day]
    chart: str


def care(context: Context, visit: Visit, slug: str) -> Care | None:
    """What the viewer looks after in a competition, if anything."""
    if visit.principal is None or Scope.organise not in visit.principal.scopes:
        return None
    try:
        return care_of(context, visit.principal, slug)
    except Problem:
        return None


@router.get("/competitions/{slug}")
def season(
    context: Shared, histories: Annotated[Histories, Depends(histories_of)], visit: Visitor, slug: PathSlug
) -> HTMLResponse:
    """Weeks and rules, where the viewer stands, and what was said."""
    return _season(context, histories, visit, slug)


def _season(
    context: Context, histories: Histories, visit: Visit, slug: str, refusal: Problem | None = None, question: str = ""
) -> HTMLResponse:
    found = competitions.find(context.store, slug)
    lines = _lines(context, visit, found)
    weeks: dict[str | None, list[Line]] = {}
    for one in lines:
        weeks.setdefault(one.place.week, []).append(one)
    return page(
        "season.html",
        visit,
        status=refusal.code.status if refusal else 200,
        competition=found,
        weeks=weeks,
        mine=_mine(context, histories, visit, slug),
        staff=care(context, visit, slug) is not None,
        notices=_notices(context, visit, slug),
        titles={one.place.slug: one.title for one in lines},
        refusal=refusal.document() if refusal else None,
        question=question,
    )


def _lines(context: Context, visit: Visit, found: CompetitionView) -> list[Line]:
    who = visit.principal
    bests: dict[str, Best] = {}
    attempts: dict[str, Attempts] = {}
    if who is not None and competitions.entry_of(context.store, found.slug, who.person_id) is not None:
        bests = leaderboards.bests(context.store, who.person_id, found.slug)
        attempts = {one.challenge: one for one in quota.of_entry(context.store, found.slug, who.person_id)}
    known = context.challenges
    return [
        Line(
            place,
            known[place.slug].title if place.slug in known else place.slug,
            bests.get(place.slug),
            attempts.get(place.slug),
        )
        for place in found.challenges
    ]


def _mine(context: Context, histories: Histories, visit: Visit, slug: str) -> Mine | None:
    if visit.principal is None or competitions.entry_of(context.store, slug, visit.principal.person_id) is None:
        return None
    entry, rank, points = results.standing_of(context.store, slug, visit.principal.person_id)
    days = histories.current(context, slug, staff=False).get(entry, [])
    return Mine(entry, rank, points, days, line([day.points or 0.0 for day in days]))


def _notices(context: Context, visit: Visit, slug: str) -> Fragment:
    """What was announced, asked and answered, as this viewer may read it."""
    looks_after = care(context, visit, slug)
    html = fragment(
        "_notices.html",
        slug=slug,
        announcements=words.announcements(context.store, slug),
        questions=words.clarifications(
            context.store,
            slug,
            visit.principal.person_id,
            staff=looks_after is not None,
            within=looks_after.within if looks_after else None,
        )
        if visit.principal
        else [],
        staff=looks_after is not None,
        form_token=visit.form_token,
    )
    return Fragment(hashlib.sha256(html.encode()).hexdigest()[:16], html, False)


async def _notice_stream(
    request: Request, context: Shared, visit: Visitor, seen: Seen, slug: PathSlug
) -> tuple[Topic, str, streams.Render, str | None]:
    number = await run_in_threadpool(competitions.number, context.store, slug)
    context.live.check(peer(request))
    return Topic(competition_id=number), peer(request), lambda _: _notices(context, visit, slug), seen


@router.get("/competitions/{slug}/live", response_class=EventSourceResponse)
async def live_notices(
    context: Shared, stream: Annotated[tuple[Topic, str, streams.Render, str | None], Depends(_notice_stream)]
) -> AsyncIterator[ServerSentEvent]:
    """What was said, as HTML, whenever there is something new."""
    topic, who, render, seen = stream
    async for event in streams.follow(context.live, topic, who, render, sent=seen, recheck=RECHECK):
        yield event


@router.post("/competitions/{slug}/questions", dependencies=[OwnForm])
def ask(
    context: Shared,
    histories: Annotated[Histories, Depends(histories_of)],
    visit: Member,
    slug: PathSlug,
    question: Prose = "",
    challenge: Annotated[str, Form(max_length=64)] = "",
    form: FormToken = "",
) -> Response:
    """Asks staff a question."""
    principal = check_own(visit, form)
    try:
        words.ask(context.store, slug, challenge or None, said(question), by=principal.person_id)
    except Problem as refusal:
        if refusal.code.code == "unknown_competition":
            raise
        return _season(context, histories, visit, slug, refusal, question)
    return RedirectResponse(f"/competitions/{slug}#notices", 303)


def said(text: str) -> str:
    """What somebody wrote in a form, as it is kept. Raises Problem invalid_request."""
    try:
        if len(text) <= 4000:
            return prose(text)
    except ValueError:
        pass  # said below, the same for both
    raise Problem("invalid_request", "1 to 4000 printable characters are needed.")


@router.get("/profile")
def profile(context: Shared, visit: Member) -> HTMLResponse:
    """The viewer's skills."""
    assert visit.principal is not None
    found = profile_of(context, visit.principal.person_id)
    titles = {slug: one.title for slug, one in context.challenges.items()}
    chart = polygon([axis.value for axis in found.axes])
    return page("profile.html", visit, radar=found, titles=titles, at=found.at, chart=chart)
