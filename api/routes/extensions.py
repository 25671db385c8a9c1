"""Later deadlines of entries and cohorts; for who looks after them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field

from api.auth import Caretaker
from api.context import Shared
from api.problems import problems
from api.routes.competitions import Moment
from api.routes.words import Answer, Asked, Id, Name, PathSlug, Route, Slug, Title
from api.store import extensions

router = APIRouter(tags=["competitions"], route_class=Route)

_EXAMPLE = {"entry": "ada", "challenge": "churn-f1", "closes_at": "2027-03-10T18:00:00Z", "reason": "She was ill."}


class NewExtension(Asked):
    entry: Annotated[Name | None, Field(description="The name on the boards.")] = None
    cohort: Annotated[Name | None, Field(description="Or every entry that is in this cohort now.")] = None
    challenge: Annotated[Slug | None, Field(description="Default: all, and the competition's own end.")] = None
    closes_at: Moment
    reason: Annotated[Title, Field(description="For the audit log.")]


class ExtensionAnswer(Answer):
    id: int
    entry: str
    challenge: str | None
    closes_at: datetime
    reason: str
    created_at: datetime


class ExtensionsAnswer(Answer):
    extensions: list[ExtensionAnswer]


@router.post(
    "/competitions/{slug}/extensions",
    status_code=201,
    responses=problems("forbidden", "unknown_competition", "unknown_challenge", "not_entered"),
)
def grant_extension(
    context: Shared,
    care: Caretaker,
    slug: PathSlug,
    wanted: Annotated[NewExtension, Body(examples=[_EXAMPLE])],
) -> ExtensionsAnswer:
    """Lets an entry or a cohort hand in later than everybody else (staff); in place of what they had for the same.

    What was late and now is not gets its full points at once.
    """
    granted = extensions.grant(
        context.store,
        slug,
        wanted.entry,
        wanted.challenge,
        wanted.closes_at,
        wanted.reason,
        by=care.principal.person_id,
        cohort=wanted.cohort,
        within=care.within,
    )
    return ExtensionsAnswer(extensions=[ExtensionAnswer.model_validate(one) for one in granted])


@router.get("/competitions/{slug}/extensions", responses=problems("forbidden", "unknown_competition"))
def list_extensions(context: Shared, care: Caretaker, slug: PathSlug) -> ExtensionsAnswer:
    """The extensions of a competition, the newest first (staff)."""
    found = [ExtensionAnswer.model_validate(one) for one in extensions.listed(context.store, slug, care.within)]
    return ExtensionsAnswer(extensions=found)


@router.delete(
    "/competitions/{slug}/extensions/{extension_id}",
    status_code=204,
    responses=problems("forbidden", "unknown_competition", "not_found"),
)
def withdraw_extension(context: Shared, care: Caretaker, slug: PathSlug, extension_id: Id) -> None:
    """Takes an extension back (staff); what was handed in under it stays, and is late where there are late days."""
    extensions.withdraw(context.store, slug, extension_id, by=care.principal.person_id, within=care.within)
