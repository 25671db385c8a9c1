"""The pages of those who look after a competition: at a glance, roster, extensions, rejudgings, what was done."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import TypeAdapter, ValidationError

from api.auth import Care, care_of, needs_organiser
from api.context import Context, Shared
from api.errors import Problem
from api.names import PathSlug, plain
from api.pages.render import page
from api.pages.season import said
from api.pages.visitor import FormToken, Member, OwnForm, Visit, check_own
from api.routes.accounts import link_answer
from api.routes.competitions import member_link
from api.routes.words import MAX_ID, Id, Name
from api.store import (
    audit,
    comparisons,
    competitions,
    extensions,
    rejudgings,
    roster,
    seasons,
    staff,
    words,
)
from api.store import glance as glances

router = APIRouter(include_in_schema=False)

ACTS = 50
Short = Annotated[str, Form(max_length=300)]
_NAME: TypeAdapter[str] = TypeAdapter(Name)


def _caretaker(context: Shared, visit: Member, slug: PathSlug) -> Care:
    assert visit.principal is not None
    return care_of(context, visit.principal, slug)


def _organiser(context: Shared, visit: Member, slug: PathSlug) -> Care:
    assert visit.principal is not None
    needs_organiser(context, visit.principal, slug)
    return Care(visit.principal)


Caretaker = Annotated[Care, Depends(_caretaker)]
Organiser = Annotated[Care, Depends(_organiser)]


def _shown(
    context: Context,
    template: str,
    visit: Visit,
    care: Care,
    slug: str,
    refusal: Problem | None = None,
    **values: Any,
) -> HTMLResponse:
    return page(
        template,
        visit,
        status=refusal.code.status if refusal else 200,
        competition=competitions.find(context.store, slug),
        organiser=care.within is None,
        titles={one.slug: one.title for one in context.challenges.values()},
        refusal=refusal.document() if refusal else None,
        **values,
    )


def _back(slug: str, where: str = "") -> RedirectResponse:
    return RedirectResponse(f"/competitions/{slug}/manage{where}", 303)


def _title(text: str, what: str) -> str:
    """Raises Problem invalid_request."""
    try:
        if 1 <= len(text.strip()) <= 200:
            return plain(text.strip())
    except ValueError:
        pass  # said below, the same for both
    raise Problem("invalid_request", f"{what}: 1 to 200 printable characters are needed.")


@router.get("/competitions/{slug}/manage")
def glance(context: Shared, visit: Member, care: Caretaker, slug: PathSlug) -> HTMLResponse:
    """How the season goes, and what to say to everybody."""
    return _glance(context, visit, care, slug)


def _glance(context: Context, visit: Visit, care: Care, slug: str, refusal: Problem | None = None) -> HTMLResponse:
    found = glances.of(context.store, slug, care.within)
    return _shown(context, "manage.html", visit, care, slug, refusal, glance=found)


@router.post("/competitions/{slug}/manage/announcements", dependencies=[OwnForm])
def announce(
    context: Shared,
    visit: Member,
    care: Organiser,
    slug: PathSlug,
    title: Short = "",
    text: Annotated[str, Form(max_length=5000)] = "",
    form: FormToken = "",
) -> Response:
    """Says something to everybody."""
    check_own(visit, form)
    try:
        heading, more = _title(title, "Title"), said(text)
    except Problem as refusal:
        return _glance(context, visit, care, slug, refusal)
    words.announce(context.store, slug, heading, more, by=care.principal.person_id)
    return RedirectResponse(f"/competitions/{slug}#notices", 303)


@router.post("/competitions/{slug}/manage/announcements/{announcement_id}/withdraw", dependencies=[OwnForm])
def withdraw_announcement(
    context: Shared, visit: Member, care: Organiser, slug: PathSlug, announcement_id: Id, form: FormToken = ""
) -> Response:
    """Takes an announcement back."""
    check_own(visit, form)
    words.withdraw(context.store, slug, announcement_id, by=care.principal.person_id)
    return RedirectResponse(f"/competitions/{slug}#notices", 303)


@router.post("/competitions/{slug}/manage/questions/{clarification_id}/answer", dependencies=[OwnForm])
def answer(
    context: Shared,
    visit: Member,
    care: Caretaker,
    slug: PathSlug,
    clarification_id: Id,
    text: Annotated[str, Form(alias="answer", max_length=5000)] = "",
    public: Annotated[str, Form(max_length=10)] = "",
    form: FormToken = "",
) -> Response:
    """Answers a question, for who asked or for everybody."""
    check_own(visit, form)
    by = care.principal.person_id
    try:
        given = said(text)
    except Problem as refusal:
        return _glance(context, visit, care, slug, refusal)
    words.answer(context.store, slug, clarification_id, given, public=public == "yes", by=by, within=care.within)
    return RedirectResponse(f"/competitions/{slug}#notices", 303)


@router.post("/competitions/{slug}/manage/thaw", dependencies=[OwnForm])
def thaw(context: Shared, visit: Member, care: Organiser, slug: PathSlug, form: FormToken = "") -> Response:
    """Lets the boards show everything."""
    check_own(visit, form)
    try:
        seasons.thaw(context.store, slug, by=care.principal.person_id)
    except Problem as refusal:
        if refusal.code.code != "invalid_request":
            raise
        return _glance(context, visit, care, slug, refusal)
    return RedirectResponse(f"/leaderboards/{slug}", 303)


@router.get("/competitions/{slug}/manage/roster")
def roster_page(context: Shared, visit: Member, care: Caretaker, slug: PathSlug) -> HTMLResponse:
    """Who takes part, and who looks after whom."""
    return _roster(context, visit, care, slug)


def _roster(
    context: Context,
    visit: Visit,
    care: Care,
    slug: str,
    refusal: Problem | None = None,
    *,
    text: str = "",
    changes: list[str] | None = None,
    link: str = "",
    person: str = "",
) -> HTMLResponse:
    number = competitions.number(context.store, slug)
    return _shown(
        context,
        "roster.html",
        visit,
        care,
        slug,
        refusal,
        members=roster.listed(context.store, number, care.within),
        staff=staff.listed(context.store, number),
        text=text,
        changes=changes,
        link=link,
        person=person,
    )


@router.post("/competitions/{slug}/manage/roster", dependencies=[OwnForm])
def apply_roster(
    context: Shared,
    visit: Member,
    care: Organiser,
    slug: PathSlug,
    text: Annotated[str, Form(alias="roster", max_length=1_000_000)] = "",
    act: Short = "preview",
    form: FormToken = "",
) -> Response:
    """Shows what a roster would change; with `act` apply it does."""
    principal = check_own(visit, form)
    try:
        rows = roster.parse(text)
        changes = seasons.apply_roster(
            context.store, slug, rows, by=principal.person_id, by_admin=principal.admin, dry_run=act != "apply"
        )
    except roster.Wrong as error:
        return _roster(context, visit, care, slug, Problem("invalid_request", str(error)), text=text)
    except Problem as refusal:
        if refusal.code.code != "invalid_request":
            raise
        return _roster(context, visit, care, slug, refusal, text=text)
    if act == "apply":
        return _back(slug, "/roster")
    return _roster(context, visit, care, slug, text=text, changes=changes)


@router.post("/competitions/{slug}/manage/links", dependencies=[OwnForm])
def make_link(
    request: Request,
    context: Shared,
    visit: Member,
    care: Organiser,
    slug: PathSlug,
    person: Short = "",
    form: FormToken = "",
) -> Response:
    """Makes somebody's link to set a password, and shows it this once."""
    principal = check_own(visit, form)
    try:
        made = member_link(context, principal, slug, person)
    except Problem as refusal:
        if refusal.code.code not in ("forbidden", "not_entered", "unknown_person"):
            raise
        return _roster(context, visit, care, slug, refusal)
    shown = link_answer(request, context, made)
    return _roster(context, visit, care, slug, link=shown.link, person=shown.person)


@router.get("/competitions/{slug}/manage/extensions")
def extensions_page(context: Shared, visit: Member, care: Caretaker, slug: PathSlug) -> HTMLResponse:
    """Later deadlines, of whom and why."""
    return _extensions(context, visit, care, slug)


def _extensions(
    context: Context, visit: Visit, care: Care, slug: str, refusal: Problem | None = None, given: str = ""
) -> HTMLResponse:
    found = extensions.listed(context.store, slug, care.within)
    number = competitions.number(context.store, slug)
    entries = sorted({one.entry for one in roster.listed(context.store, number, care.within)})
    return _shown(
        context, "extensions.html", visit, care, slug, refusal, extensions=found, entries=entries, given=given
    )


@router.post("/competitions/{slug}/manage/extensions", dependencies=[OwnForm])
def grant(
    context: Shared,
    visit: Member,
    care: Caretaker,
    slug: PathSlug,
    who: Short = "",
    challenge: Short = "",
    closes_at: Short = "",
    reason: Short = "",
    form: FormToken = "",
) -> Response:
    """Lets an entry (or, as `cohort:name`, a cohort) hand in later; the time is in the competition's zone."""
    check_own(visit, form)
    try:
        until = _moment(closes_at, competitions.find(context.store, slug).time_zone)
        cohort = who.removeprefix("cohort:") if who.startswith("cohort:") else None
        extensions.grant(
            context.store,
            slug,
            None if cohort else _named(who),
            challenge or None,
            until,
            _title(reason, "Reason"),
            by=care.principal.person_id,
            cohort=cohort,
            within=care.within,
        )
    except Problem as refusal:
        if refusal.code.code not in ("invalid_request", "not_entered", "unknown_challenge"):
            raise
        return _extensions(context, visit, care, slug, refusal, reason)
    return _back(slug, "/extensions")


def _named(text: str) -> str:
    try:
        return _NAME.validate_python(text.removeprefix("entry:"))
    except ValidationError:
        raise Problem("invalid_request", "Choose an entry or a cohort.") from None


def _moment(text: str, zone: str) -> datetime:
    """Raises Problem invalid_request."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Problem("invalid_request", f"{text[:40]!a} is no date and time; write it as 2027-03-01T09:00.") from None
    return when if when.tzinfo else when.replace(tzinfo=ZoneInfo(zone))


@router.post("/competitions/{slug}/manage/extensions/{extension_id}/withdraw", dependencies=[OwnForm])
def withdraw(
    context: Shared, visit: Member, care: Caretaker, slug: PathSlug, extension_id: Id, form: FormToken = ""
) -> Response:
    """Takes an extension back."""
    check_own(visit, form)
    extensions.withdraw(context.store, slug, extension_id, by=care.principal.person_id, within=care.within)
    return _back(slug, "/extensions")


@router.get("/competitions/{slug}/manage/rejudgings")
def rejudgings_page(context: Shared, visit: Member, care: Organiser, slug: PathSlug) -> HTMLResponse:
    """The rejudgings of the competition."""
    return _rejudgings(context, visit, care, slug)


def _rejudgings(context: Context, visit: Visit, care: Care, slug: str, refusal: Problem | None = None) -> HTMLResponse:
    found = rejudgings.listed(context.store, {slug})
    return _shown(context, "rejudgings.html", visit, care, slug, refusal, rejudgings=found)


@router.post("/competitions/{slug}/manage/rejudgings", dependencies=[OwnForm])
def rejudge(
    context: Shared,
    visit: Member,
    care: Organiser,
    slug: PathSlug,
    challenge: Short = "",
    reason: Short = "",
    form: FormToken = "",
) -> Response:
    """Judges a challenge's submissions (or all) again, beside what counts."""
    check_own(visit, form)
    try:
        made = rejudgings.create(
            context.store,
            rejudgings.Selection(slug, challenge or None, ()),
            versions={one.slug: one.version for one in context.challenges.values()},
            reason=_title(reason, "Reason"),
            by=care.principal.person_id,
        )
    except Problem as refusal:
        if refusal.code.code not in ("invalid_request", "unknown_challenge"):
            raise
        return _rejudgings(context, visit, care, slug, refusal)
    context.bell.ring()
    return _back(slug, f"/rejudgings/{made.id}")


@router.get("/competitions/{slug}/manage/rejudgings/{rejudging_id}")
def rejudging_page(context: Shared, visit: Member, care: Organiser, slug: PathSlug, rejudging_id: Id) -> HTMLResponse:
    """One rejudging with all that would change."""
    return _rejudging(context, visit, care, slug, rejudging_id)


def _rejudging(
    context: Context, visit: Visit, care: Care, slug: str, rejudging_id: int, refusal: Problem | None = None
) -> HTMLResponse:
    found = _own_rejudging(context, slug, rejudging_id)
    preview = rejudgings.preview(context.store, rejudging_id) if found.state.value == "open" else None
    return _shown(context, "rejudging.html", visit, care, slug, refusal, rejudging=found, preview=preview)


def _own_rejudging(context: Context, slug: str, rejudging_id: int) -> rejudgings.RejudgingView:
    found = rejudgings.find(context.store, rejudging_id)
    if found.competition != slug:
        raise Problem("not_found")
    return found


@router.post("/competitions/{slug}/manage/rejudgings/{rejudging_id}/{act}", dependencies=[OwnForm])
def end_rejudging(
    context: Shared,
    visit: Member,
    care: Organiser,
    slug: PathSlug,
    rejudging_id: Id,
    act: str,
    form: FormToken = "",
) -> Response:
    """Applies or drops it."""
    check_own(visit, form)
    acts = {"apply": rejudgings.apply, "drop": rejudgings.drop}
    if act not in acts:
        raise Problem("not_found")
    _own_rejudging(context, slug, rejudging_id)
    try:
        acts[act](context.store, rejudging_id, by=care.principal.person_id)
    except Problem as refusal:
        if refusal.code.code not in ("not_judged_yet", "rejudging_over"):
            raise
        return _rejudging(context, visit, care, slug, rejudging_id, refusal)
    return _back(slug, f"/rejudgings/{rejudging_id}")


@router.get("/competitions/{slug}/manage/similarity")
def similarity_page(context: Shared, visit: Member, care: Organiser, slug: PathSlug) -> HTMLResponse:
    """The comparisons of programs."""
    found = comparisons.listed(context.store, slug)
    return _shown(context, "similarity.html", visit, care, slug, comparisons=found)


@router.post("/competitions/{slug}/manage/similarity", dependencies=[OwnForm])
def compare(
    context: Shared, visit: Member, care: Organiser, slug: PathSlug, challenge: Short = "", form: FormToken = ""
) -> Response:
    """Has the programs for a challenge compared."""
    check_own(visit, form)
    try:
        made = comparisons.ask(context.store, slug, challenge, by=care.principal.person_id)
    except Problem as refusal:
        if refusal.code.code != "unknown_challenge":
            raise
        found = comparisons.listed(context.store, slug)
        return _shown(context, "similarity.html", visit, care, slug, refusal, comparisons=found)
    context.bell.ring()
    return _back(slug, f"/similarity/{made.id}")


@router.get("/competitions/{slug}/manage/similarity/{comparison_id}")
def pairs_page(context: Shared, visit: Member, care: Organiser, slug: PathSlug, comparison_id: Id) -> HTMLResponse:
    """One comparison: who is alike, and in which lines."""
    found = comparisons.find(context.store, slug, comparison_id)
    return _shown(context, "pairs.html", visit, care, slug, comparison=found)


@router.get("/competitions/{slug}/manage/audit")
def audit_page(
    context: Shared,
    visit: Member,
    care: Organiser,
    slug: PathSlug,
    cursor: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
) -> HTMLResponse:
    """What staff did."""
    number = competitions.number(context.store, slug)
    acts = audit.listed(context.store, before=cursor, limit=ACTS + 1, competition_id=number)
    following = acts[ACTS - 1].id if len(acts) > ACTS else None
    return _shown(context, "audit.html", visit, care, slug, acts=acts[:ACTS], next_cursor=following)
