"""People and their tokens."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Query, Request
from pydantic import Field

from api.auth import Administrator, Reader, Submitter
from api.context import Context, Shared
from api.errors import Problem
from api.problems import problems
from api.routes.words import Answer, Asked, Id, Name, Route
from api.store import erase, links, people
from api.store.tables import Role, Scope

router = APIRouter(tags=["accounts"], route_class=Route)


class NewPerson(Asked):
    name: Name
    role: Role = Role.participant


class NewToken(Asked):
    label: Name
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))] = (Scope.read, Scope.submit)


class PersonAnswer(Answer):
    id: int
    name: str
    role: Role
    created_at: datetime


class TokenAnswer(Answer):
    id: int
    label: str
    prefix: str
    last4: str
    scopes: list[Scope]
    created_at: datetime
    revoked_at: datetime | None


class NewTokenAnswer(TokenAnswer):
    token: str = Field(description="The secret, shown this once.")


class LinkAnswer(Answer):
    person: str
    link: Annotated[str, Field(description="Shown this once; hand it to this person only.")]
    expires_at: datetime


class ProfileAnswer(PersonAnswer):
    tokens: list[TokenAnswer]
    competitions: list[str]


@router.post("/people", status_code=201, responses=problems("forbidden", "name_taken"))
def create_person(
    context: Shared,
    principal: Administrator,
    wanted: Annotated[NewPerson, Body(examples=[{"name": "ada", "role": "participant"}])],
) -> PersonAnswer:
    """Makes a person (administrators)."""
    person = people.create_person(context.store, wanted.name, wanted.role, by=principal.person_id)
    return PersonAnswer.model_validate(person)


@router.get("/people", responses=problems("forbidden", "unknown_person"))
def find_person(context: Shared, _principal: Administrator, name: Annotated[Name, Query()]) -> PersonAnswer:
    """Who is called that (administrators)."""
    return PersonAnswer.model_validate(people.find(context.store, name))


@router.delete("/people/{person_id}/password", status_code=204, responses=problems("forbidden", "not_found"))
def clear_password(context: Shared, principal: Administrator, person_id: Id) -> None:
    """For somebody who forgot it: takes the password away and signs them out everywhere (administrators).

    With a token of theirs they sign in and set another one.
    """
    people.clear_password(context.store, person_id, by=principal.person_id)


@router.post("/people/{person_id}/password-link", status_code=201, responses=problems("forbidden", "not_found"))
def create_link(request: Request, context: Shared, principal: Administrator, person_id: Id) -> LinkAnswer:
    """A link with which somebody sets a password, once, within a week; the one before ends (administrators)."""
    return link_answer(request, context, links.issue(context.store, person_id, by=principal.person_id))


def link_answer(request: Request, context: Context, link: links.Link) -> LinkAnswer:
    """The link as people open it: what follows # is sent to no server and stands in no log."""
    base = context.settings.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return LinkAnswer(person=link.person, link=f"{base}/welcome#{link.secret}", expires_at=link.expires_at)


@router.delete("/people/{person_id}", status_code=204, responses=problems("forbidden", "not_found"))
def erase_person(context: Shared, principal: Administrator, person_id: Id) -> None:
    """Takes everything personal of a participant away, for good (administrators).

    Name, password, tokens and sessions, all files they handed in with what the judge said about them. Boards keep
    verdicts and points, under a name that says nothing.
    """
    erase.person(context.store, person_id, by=principal.person_id)


@router.get("/people/me", responses=problems("forbidden"))
def read_me(context: Shared, principal: Reader) -> ProfileAnswer:
    """Who I am: my tokens, and the competitions I have an entry in."""
    return ProfileAnswer.model_validate(people.profile(context.store, principal.person_id))


@router.post("/people/{person_id}/tokens", status_code=201, responses=problems("forbidden", "not_found"))
def create_token(
    context: Shared,
    principal: Submitter,
    person_id: Id,
    wanted: Annotated[NewToken, Body(examples=[{"label": "laptop", "scopes": ["read", "submit"]}])],
) -> NewTokenAnswer:
    """Makes a token for myself (with no scope that the token I use has not), or as an administrator for anybody."""
    if not principal.admin:
        if person_id != principal.person_id:
            raise Problem("not_found")
        if not set(wanted.scopes) <= principal.scopes:
            raise Problem("forbidden", "A token cannot make one with more scopes than its own.")
    view, secret = people.create_token(
        context.store, person_id, wanted.label, set(wanted.scopes), by=principal.person_id
    )
    return NewTokenAnswer(**TokenAnswer.model_validate(view).model_dump(), token=secret)


@router.delete("/tokens/{token_id}", status_code=204, responses=problems("forbidden", "not_found"))
def revoke_token(context: Shared, principal: Submitter, token_id: Id) -> None:
    """Revokes a token of mine, or as an administrator anybody's; at once and for good."""
    people.revoke_token(context.store, token_id, by=principal.person_id, anybodys=principal.admin)
