"""Announcements, and questions with their answers."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import AfterValidator, Field

from api.auth import Caretaker, Organiser, Principal, Reader, Submitter, Viewer, care_of
from api.context import Context, Shared
from api.errors import Problem
from api.names import prose
from api.problems import problems
from api.routes.words import Answer, Asked, Id, PathSlug, Route, Slug, Title
from api.store import words
from api.store.tables import Scope

router = APIRouter(tags=["competitions"], route_class=Route)

Prose = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(prose)]


class NewAnnouncement(Asked):
    title: Title
    text: Prose


class AnnouncementAnswer(Answer):
    id: int
    at: datetime
    by: str
    title: str
    text: str


class AnnouncementsAnswer(Answer):
    announcements: list[AnnouncementAnswer]


class NewClarification(Asked):
    challenge: Annotated[Slug | None, Field(description="Default: it is about the competition.")] = None
    question: Prose


class NewReply(Asked):
    answer: Prose
    public: Annotated[bool, Field(description="For everybody to read; who asked is never told.")] = False


class ClarificationAnswer(Answer):
    id: int
    challenge: str | None
    asked_at: datetime
    question: str
    answer: str | None
    answered_at: datetime | None
    public: bool
    entry: Annotated[str | None, Field(description="Who asked; null for those who may not know.")]
    person: str | None
    mine: Annotated[bool, Field(description="Whether I asked, or my team.")]


class ClarificationsAnswer(Answer):
    clarifications: list[ClarificationAnswer]


@router.post(
    "/competitions/{slug}/announcements", status_code=201, responses=problems("forbidden", "unknown_competition")
)
def announce(
    context: Shared,
    principal: Organiser,
    slug: PathSlug,
    wanted: Annotated[NewAnnouncement, Body(examples=[{"title": "Week 2", "text": "It begins an hour later."}])],
) -> AnnouncementAnswer:
    """Says something to everybody, at once on all open pages and streams (organisers)."""
    made = words.announce(context.store, slug, wanted.title, wanted.text, by=principal.person_id)
    return AnnouncementAnswer.model_validate(made)


@router.get("/competitions/{slug}/announcements", responses=problems("unknown_competition"))
def list_announcements(context: Shared, _viewer: Viewer, slug: PathSlug) -> AnnouncementsAnswer:
    """What was announced, the newest first."""
    found = words.announcements(context.store, slug)
    return AnnouncementsAnswer(announcements=[AnnouncementAnswer.model_validate(one) for one in found])


@router.delete(
    "/competitions/{slug}/announcements/{announcement_id}",
    status_code=204,
    responses=problems("forbidden", "unknown_competition", "not_found"),
)
def withdraw_announcement(context: Shared, principal: Organiser, slug: PathSlug, announcement_id: Id) -> None:
    """Takes an announcement back (organisers)."""
    words.withdraw(context.store, slug, announcement_id, by=principal.person_id)


@router.post(
    "/competitions/{slug}/clarifications",
    status_code=201,
    responses=problems("forbidden", "unknown_competition", "unknown_challenge", "not_entered"),
)
def ask(
    context: Shared,
    principal: Submitter,
    slug: PathSlug,
    wanted: Annotated[NewClarification, Body(examples=[{"question": "Is the first column an index?"}])],
) -> ClarificationAnswer:
    """Asks staff a question, as somebody who takes part."""
    made = words.ask(context.store, slug, wanted.challenge, wanted.question, by=principal.person_id)
    return ClarificationAnswer.model_validate(made)


@router.get("/competitions/{slug}/clarifications", responses=problems("forbidden", "unknown_competition"))
def list_clarifications(context: Shared, principal: Reader, slug: PathSlug) -> ClarificationsAnswer:
    """My entry's questions and the public ones, the newest first; for staff all they look after."""
    within, staff = _sight(context, principal, slug)
    found = words.clarifications(context.store, slug, principal.person_id, staff=staff, within=within)
    return ClarificationsAnswer(clarifications=[ClarificationAnswer.model_validate(one) for one in found])


def _sight(context: Context, principal: Principal, slug: str) -> tuple[tuple[int, ...] | None, bool]:
    """(cohorts, whether staff) of who asks to see."""
    if not principal.admin and Scope.organise not in principal.scopes:
        return None, False
    try:
        return care_of(context, principal, slug).within, True
    except Problem:
        return None, False


@router.put(
    "/competitions/{slug}/clarifications/{clarification_id}/answer",
    responses=problems("forbidden", "unknown_competition", "not_found"),
)
def reply(
    context: Shared,
    care: Caretaker,
    slug: PathSlug,
    clarification_id: Id,
    wanted: Annotated[NewReply, Body(examples=[{"answer": "Yes.", "public": True}])],
) -> ClarificationAnswer:
    """Answers a question, for who asked it or for everybody (staff); again means in place of the answer before."""
    made = words.answer(
        context.store,
        slug,
        clarification_id,
        wanted.answer,
        public=wanted.public,
        by=care.principal.person_id,
        within=care.within,
    )
    return ClarificationAnswer.model_validate(made)
