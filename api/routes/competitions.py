"""Competitions and entries."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import AfterValidator, AwareDatetime, Field

from api.auth import Administrator, Viewer
from api.context import Shared
from api.errors import Problem
from api.problems import problems
from api.routes.words import Answer, Asked, Name, PathSlug, Route, Slug, Title
from api.store import competitions

router = APIRouter(tags=["competitions"], route_class=Route)


def _moment(value: datetime) -> datetime:
    """A moment in a time that has calendars, in UTC."""
    if not 2000 <= value.year <= 2200:
        raise ValueError("a year from 2000 to 2200")
    return value.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_moment)]

_EXAMPLE = {
    "slug": "spring-bootcamp",
    "title": "Spring bootcamp",
    "opens_at": "2027-03-01T09:00:00Z",
    "closes_at": "2027-05-31T18:00:00Z",
    "challenges": [{"slug": "churn-f1", "points": 150}],
}


class NewPlace(Asked):
    slug: Slug
    points: Annotated[int | None, Field(ge=1, le=1_000_000, description="Default: by the challenge's level.")] = None


class NewCompetition(Asked):
    slug: Slug
    title: Title
    opens_at: Annotated[Moment | None, Field(description="Default: now.")] = None
    closes_at: Annotated[Moment | None, Field(description="Default: never.")] = None
    challenges: Annotated[list[NewPlace], Field(min_length=1, max_length=200)]


class NewEntry(Asked):
    person: Annotated[Name, Field(description="The person's name.")]


class PlaceAnswer(Answer):
    slug: str
    points: int
    version: str


class CompetitionAnswer(Answer):
    slug: str
    title: str
    phase: competitions.Phase
    opens_at: datetime
    closes_at: datetime | None
    challenges: list[PlaceAnswer]
    entries: int


class EntryAnswer(Answer):
    competition: str
    person: str
    name: str
    created_at: datetime


class JoinCodeAnswer(Answer):
    join_code: Annotated[str | None, Field(description="Null where nobody joins by a code.")]


@router.post("/competitions", status_code=201, responses=problems("forbidden", "unknown_challenge", "name_taken"))
def create_competition(
    context: Shared, principal: Administrator, wanted: Annotated[NewCompetition, Body(examples=[_EXAMPLE])]
) -> CompetitionAnswer:
    """Makes a competition (administrators)."""
    slugs = [place.slug for place in wanted.challenges]
    if len(set(slugs)) != len(slugs):
        raise Problem("invalid_request", "challenges: the same challenge twice.")
    places = []
    for place in wanted.challenges:
        challenge = context.challenge(place.slug)
        places.append(competitions.ChallengePlace(challenge.slug, place.points or challenge.points, challenge.version))
    made = competitions.create(
        context.store,
        slug=wanted.slug,
        title=wanted.title,
        opens_at=wanted.opens_at,
        closes_at=wanted.closes_at,
        challenges=places,
        by=principal.person_id,
    )
    return CompetitionAnswer.model_validate(made)


@router.get("/competitions")
def list_competitions(context: Shared, _viewer: Viewer) -> list[CompetitionAnswer]:
    """All competitions, the newest first."""
    return [CompetitionAnswer.model_validate(view) for view in competitions.listed(context.store)]


@router.get("/competitions/{slug}", responses=problems("unknown_competition"))
def read_competition(context: Shared, _viewer: Viewer, slug: PathSlug) -> CompetitionAnswer:
    """One competition."""
    return CompetitionAnswer.model_validate(competitions.find(context.store, slug))


@router.post(
    "/competitions/{slug}/entries",
    status_code=201,
    responses=problems("forbidden", "unknown_competition", "unknown_person", "already_entered"),
)
def create_entry(
    context: Shared,
    principal: Administrator,
    slug: PathSlug,
    wanted: Annotated[NewEntry, Body(examples=[{"person": "ada"}])],
) -> EntryAnswer:
    """Gives a person a place in a competition (administrators)."""
    entry = competitions.add_entry(context.store, slug, wanted.person, by=principal.person_id)
    return EntryAnswer.model_validate(entry)


@router.post("/competitions/{slug}/join-code", status_code=201, responses=problems("forbidden", "unknown_competition"))
def create_join_code(context: Shared, principal: Administrator, slug: PathSlug) -> JoinCodeAnswer:
    """Makes a code with which people enter by themselves, on the page /join; the one before stops working."""
    return JoinCodeAnswer(join_code=competitions.new_join_code(context.store, slug, by=principal.person_id))


@router.get("/competitions/{slug}/join-code", responses=problems("forbidden", "unknown_competition"))
def read_join_code(context: Shared, _principal: Administrator, slug: PathSlug) -> JoinCodeAnswer:
    """The join code in force (administrators)."""
    return JoinCodeAnswer(join_code=competitions.join_code(context.store, slug))


@router.delete(
    "/competitions/{slug}/join-code", status_code=204, responses=problems("forbidden", "unknown_competition")
)
def end_join_code(context: Shared, principal: Administrator, slug: PathSlug) -> None:
    """Nobody joins by a code any more (administrators)."""
    competitions.end_join_code(context.store, slug, by=principal.person_id)
