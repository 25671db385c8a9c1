"""Competitions and entries."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Body, Query, Request
from pydantic import AfterValidator, AwareDatetime, Field

from api.auth import Administrator, Caretaker, Organiser, Principal, Reader, Viewer
from api.context import Context, Shared
from api.errors import Problem
from api.problems import problems
from api.routes.accounts import LinkAnswer, link_answer
from api.routes.words import Answer, Asked, Name, PathSlug, Route, Slug, Title
from api.store import competitions, links, people, quota, roster, seasons, staff
from api.store.tables import Counts

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


def _zone(name: str) -> str:
    """A name of the time zone database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone such as Europe/Berlin") from None
    return name


TimeZone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]


class NewPlace(Asked):
    slug: Slug
    points: Annotated[int | None, Field(ge=1, le=1_000_000, description="Default: by the challenge's level.")] = None
    week: Annotated[Title | None, Field(description="The title of the week it belongs to.")] = None
    opens_at: Annotated[Moment | None, Field(description="Default: with the competition.")] = None
    closes_at: Annotated[Moment | None, Field(description="Default: with the competition.")] = None


class NewCohort(Asked):
    name: Name
    staff: Annotated[list[Name], Field(max_length=50, description="People by name.", default_factory=list)]


class Rules(Asked):
    title: Title
    opens_at: Annotated[Moment | None, Field(description="Default: now, or when it did.")] = None
    closes_at: Annotated[Moment | None, Field(description="Default: never.")] = None
    time_zone: Annotated[TimeZone, Field(description="Where a day begins and ends.")] = "UTC"
    per_day: Annotated[
        int | None, Field(ge=1, le=1000, description="Submissions of one challenge a day scores. Default: any number.")
    ] = None
    late: Annotated[
        list[Annotated[float, Field(ge=0, lt=1)]],
        Field(
            max_length=30,
            description="What is left of the points on each day after a challenge's deadline.",
            default_factory=list,
        ),
    ]
    counts: Annotated[Counts, Field(description="Which submission of a challenge counts.")] = Counts.best
    freeze_at: Annotated[
        Moment | None, Field(description="From then on boards do not show what is received. Default: never.")
    ] = None
    private: Annotated[bool, Field(description="Whether the private tests count from the close on.")] = True
    team_size: Annotated[int, Field(ge=1, le=50, description="The most members of an entry.")] = 1
    named: Annotated[
        int | None, Field(ge=1, le=1_000_000, description="Down to which rank boards name an entry. Default: all.")
    ] = None
    step: Annotated[
        float | None,
        Field(
            ge=0, le=100, description="By how much a public score must be better to be told, where it is a metric's."
        ),
    ] = None
    feedback: Annotated[
        Literal["F0", "F1", "F2", "F3"] | None, Field(description="The most that is told of a verdict.")
    ] = None
    organisers: Annotated[
        list[Name] | None, Field(max_length=50, description="People by name (administrators). Default: as they are.")
    ] = None
    cohorts: Annotated[list[NewCohort] | None, Field(max_length=200, description="Default: as they are.")] = None
    join: Annotated[bool | None, Field(description="Whether people enter by a join code. Default: as it is.")] = None
    roster: Annotated[
        str | None,
        Field(max_length=1_000_000, description="A table as CSV: name, email, team, cohort. Default: as it is."),
    ] = None
    challenges: Annotated[list[NewPlace], Field(min_length=1, max_length=200)]


class NewCompetition(Rules):
    slug: Slug


class NewEntry(Asked):
    person: Annotated[Name, Field(description="The person's name.")]


class PlaceAnswer(Answer):
    slug: str
    points: int
    version: str
    week: str | None
    opens_at: datetime | None
    closes_at: datetime | None


class CompetitionAnswer(Answer):
    slug: str
    title: str
    phase: competitions.Phase
    opens_at: datetime
    closes_at: datetime | None
    time_zone: str
    per_day: int | None
    late: list[float]
    counts: Counts
    freeze_at: datetime | None
    frozen: Annotated[bool, Field(description="Whether boards show only what was received before the freeze.")]
    private: bool
    team_size: int
    named: int | None
    step: float | None
    feedback: str | None
    challenges: list[PlaceAnswer]
    weeks: list[str]
    cohorts: list[str]
    entries: int


class EntryAnswer(Answer):
    competition: str
    person: str
    name: str
    created_at: datetime


class MemberAnswer(Answer):
    person_id: int
    name: str
    email: str | None
    entry: str
    team: bool
    cohort: str | None
    can_sign_in: Annotated[bool, Field(description="Has a password or a token.")]


class RosterAnswer(Answer):
    members: list[MemberAnswer]
    organisers: list[str]
    cohorts: Annotated[dict[str, list[str]], Field(description="The staff of each cohort.")]


class NewLink(Asked):
    person: Annotated[Name, Field(description="The name of somebody who takes part.")]


class AppliedAnswer(Answer):
    applied: Annotated[bool, Field(description="False in a dry run.")]
    changes: Annotated[list[str], Field(description="What is changed, or would be; empty when all is so already.")]


class AttemptsAnswer(Answer):
    challenge: str
    per_day: int | None
    used: int
    left: int | None
    resets_at: Annotated[datetime, Field(description="When the next day begins.")]


class JoinCodeAnswer(Answer):
    join_code: Annotated[str | None, Field(description="Null where nobody joins by a code.")]


@router.post("/competitions", status_code=201, responses=problems("forbidden", "unknown_challenge", "name_taken"))
def create_competition(
    context: Shared, principal: Administrator, wanted: Annotated[NewCompetition, Body(examples=[_EXAMPLE])]
) -> CompetitionAnswer:
    """Makes a competition (administrators)."""
    seasons.apply(context.store, _wanted(context, wanted.slug, wanted), by=principal.person_id, new=True)
    return CompetitionAnswer.model_validate(competitions.find(context.store, wanted.slug))


@router.put("/competitions/{slug}", responses=problems("forbidden", "unknown_challenge"))
def apply_competition(
    context: Shared,
    principal: Organiser,
    slug: PathSlug,
    wanted: Annotated[Rules, Body(examples=[{key: value for key, value in _EXAMPLE.items() if key != "slug"}])],
    dry_run: Annotated[bool, Query(description="Say what would change, and change nothing.")] = False,
) -> AppliedAnswer:
    """Makes a competition what is wanted, or makes it: all of it or nothing, and nothing twice (organisers; a new one
    only administrators).

    A challenge for which something was handed in stays; points may change, and boards follow.
    """
    changes = seasons.apply(
        context.store, _wanted(context, slug, wanted), by=principal.person_id, dry_run=dry_run, by_admin=principal.admin
    )
    return AppliedAnswer(applied=not dry_run, changes=changes)


def _wanted(context: Context, slug: str, rules: Rules) -> seasons.Wanted:
    slugs = [place.slug for place in rules.challenges]
    if len(set(slugs)) != len(slugs):
        raise Problem("invalid_request", "challenges: the same challenge twice.")
    places = []
    for place in rules.challenges:
        known = context.challenge(place.slug)
        places.append(
            competitions.ChallengePlace(
                known.slug, place.points or known.points, known.version, place.week, place.opens_at, place.closes_at
            )
        )
    cohorts = None if rules.cohorts is None else {one.name: one.staff for one in rules.cohorts}
    if cohorts is not None and len(cohorts) != len(rules.cohorts or ()):
        raise Problem("invalid_request", "cohorts: the same name twice.")
    try:
        rows = None if rules.roster is None else roster.parse(rules.roster)
    except roster.Wrong as error:
        raise Problem("invalid_request", str(error)) from None
    own = {name: getattr(rules, name) for name in seasons.RULES}
    given: dict[str, Any] = {
        "opens_at": rules.opens_at,
        "closes_at": rules.closes_at,
        "organisers": rules.organisers,
        "join": rules.join,
    }
    return seasons.Wanted(slug, rules.title, places, **given, **own, cohorts=cohorts, roster=rows)


@router.post("/competitions/{slug}/thaw", status_code=204, responses=problems("forbidden", "unknown_competition"))
def thaw(context: Shared, principal: Organiser, slug: PathSlug) -> None:
    """Lets boards show everything that was received after the freeze (organisers)."""
    seasons.thaw(context.store, slug, by=principal.person_id)


@router.post(
    "/competitions/{slug}/password-links",
    status_code=201,
    responses=problems("forbidden", "unknown_competition", "not_entered"),
)
def create_member_link(
    request: Request,
    context: Shared,
    principal: Organiser,
    slug: PathSlug,
    wanted: Annotated[NewLink, Body(examples=[{"person": "ada"}])],
) -> LinkAnswer:
    """A link with which somebody who takes part sets a password, once, within a week (organisers).

    Not for staff, nor for who takes part in a competition of somebody else: that takes an administrator.
    """
    return link_answer(request, context, member_link(context, principal, slug, wanted.person))


def member_link(context: Context, principal: Principal, slug: str, person: str) -> links.Link:
    """The link that an organiser, or an administrator, makes. Raises Problem as `links` does, and unknown_person."""
    if principal.admin:
        return links.issue(context.store, people.find(context.store, person).id, by=principal.person_id)
    return links.issue_for_member(context.store, slug, person, by=principal.person_id)


@router.get("/competitions/{slug}/roster", responses=problems("forbidden", "unknown_competition"))
def read_roster(context: Shared, care: Caretaker, slug: PathSlug) -> RosterAnswer:
    """Who takes part: for organisers everybody, for the staff of a cohort those in it."""
    number = competitions.number(context.store, slug)
    members = [MemberAnswer.model_validate(one) for one in roster.listed(context.store, number, care.within)]
    found = staff.listed(context.store, number)
    return RosterAnswer(members=members, organisers=found.organisers, cohorts=found.cohorts)


@router.get("/competitions")
def list_competitions(context: Shared, _viewer: Viewer) -> list[CompetitionAnswer]:
    """All competitions, the newest first."""
    return [CompetitionAnswer.model_validate(view) for view in competitions.listed(context.store)]


@router.get("/competitions/{slug}", responses=problems("unknown_competition"))
def read_competition(context: Shared, _viewer: Viewer, slug: PathSlug) -> CompetitionAnswer:
    """One competition."""
    return CompetitionAnswer.model_validate(competitions.find(context.store, slug))


@router.get("/competitions/{slug}/attempts", responses=problems("forbidden", "unknown_competition", "not_entered"))
def read_attempts(context: Shared, principal: Reader, slug: PathSlug) -> list[AttemptsAnswer]:
    """How many submissions I have left today, of every challenge."""
    found = quota.of_entry(context.store, slug, principal.person_id)
    return [AttemptsAnswer.model_validate(one) for one in found]


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
def create_join_code(context: Shared, principal: Organiser, slug: PathSlug) -> JoinCodeAnswer:
    """Makes a code with which people enter by themselves, on the page /join; the one before stops working."""
    return JoinCodeAnswer(join_code=competitions.new_join_code(context.store, slug, by=principal.person_id))


@router.get("/competitions/{slug}/join-code", responses=problems("forbidden", "unknown_competition"))
def read_join_code(context: Shared, _principal: Organiser, slug: PathSlug) -> JoinCodeAnswer:
    """The join code in force (organisers)."""
    return JoinCodeAnswer(join_code=competitions.join_code(context.store, slug))


@router.delete(
    "/competitions/{slug}/join-code", status_code=204, responses=problems("forbidden", "unknown_competition")
)
def end_join_code(context: Shared, principal: Organiser, slug: PathSlug) -> None:
    """Nobody joins by a code any more (organisers)."""
    competitions.end_join_code(context.store, slug, by=principal.person_id)
