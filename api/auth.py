"""Who is asking: from a token to a Principal, in one place; knows no route and no cookie."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from api.context import Context, Shared, of_request
from api.errors import Problem
from api.names import PathSlug
from api.store import people, staff
from api.store.submissions import Eyes
from api.store.tables import Role, Scope

_bearer = HTTPBearer(auto_error=False, description="A token of yours: `Authorization: Bearer assay_...`")


@dataclass(frozen=True)
class Principal:
    """Somebody with a valid token, and what the token may be used for."""

    person_id: int
    name: str
    roles: frozenset[Role]
    scopes: frozenset[Scope]

    @classmethod
    def of(cls, caller: people.Caller) -> "Principal":
        """Who a token or a session speaks for."""
        return cls(caller.person_id, caller.name, frozenset({caller.role}), caller.scopes)

    @property
    def admin(self) -> bool:
        """An administrator who came with a token for administration."""
        return Role.admin in self.roles and Scope.admin in self.scopes

    @property
    def sees(self) -> Eyes | None:
        """Whose submissions this one may see: None for everybody's."""
        return None if self.admin else Eyes(self.person_id, staff=Scope.organise in self.scopes)

    def needs(self, scope: Scope) -> None:
        """Raises Problem forbidden when the token has not this scope (or, for admin, the person not that role)."""
        if scope is Scope.admin and not self.admin:
            raise Problem("forbidden", "Only an administrator may do this.")
        if scope not in self.scopes:
            raise Problem("forbidden", f"This token has not the scope {scope}.")


def peer(request: Request) -> str:
    """The address of who asks: the other end of the connection, or whom a trusted proxy there speaks for."""
    return request.client.host if request.client else "unknown"


def principal_from_request(request: Request) -> Principal | None:
    """Who is asking; None without credentials.

    Raises Problem unauthorized for credentials that are wrong in any way, always the same, and rate_limited.
    """
    context = of_request(request)
    header = request.headers.get("authorization")
    if header is None:
        context.limiter.hit("anonymous", peer(request))
        return None
    caller = people.authenticate(context.store, _secret(header))
    if caller is None:
        context.limiter.hit("bad_token", peer(request))
        raise Problem("unauthorized")
    context.limiter.hit("request", str(caller.person_id))
    return Principal.of(caller)


def _secret(header: str) -> str:
    scheme, _, value = header.partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _viewer(request: Request, _: Annotated[object, Security(_bearer)] = None) -> Principal | None:
    return principal_from_request(request)


def _principal(viewer: Annotated[Principal | None, Depends(_viewer)]) -> Principal:
    if viewer is None:
        raise Problem("unauthorized")
    return viewer


def _organiser(context: Shared, principal: Annotated[Principal, Depends(_principal)], slug: PathSlug) -> Principal:
    needs_organiser(context, principal, slug)
    return principal


def needs_organiser(context: Context, principal: Principal, slug: str) -> None:
    """Raises Problem forbidden unless somebody organises this competition, or all."""
    if principal.admin:
        return
    principal.needs(Scope.organise)
    if not staff.duty(context.store, slug, principal.person_id).organiser:
        raise Problem("forbidden", "Only who organises this competition may do this.")


@dataclass(frozen=True)
class Care:
    """Somebody who looks after a competition: all of it, or (`within`) the entries of some cohorts."""

    principal: Principal
    within: tuple[int, ...] | None = None


def care_of(context: Context, principal: Principal, slug: str) -> Care:
    """What somebody looks after there. Raises Problem forbidden when it is nothing."""
    if principal.admin:
        return Care(principal)
    principal.needs(Scope.organise)
    found = staff.duty(context.store, slug, principal.person_id)
    if not found:
        raise Problem("forbidden", "Only who looks after this competition may do this.")
    return Care(principal, None if found.organiser else found.cohorts)


def _caretaker(context: Shared, principal: Annotated[Principal, Depends(_principal)], slug: PathSlug) -> Care:
    return care_of(context, principal, slug)


def _admin(principal: Annotated[Principal, Depends(_principal)]) -> Principal:
    principal.needs(Scope.admin)
    return principal


def _reader(principal: Annotated[Principal, Depends(_principal)]) -> Principal:
    principal.needs(Scope.read)
    return principal


def _submitter(principal: Annotated[Principal, Depends(_principal)]) -> Principal:
    principal.needs(Scope.submit)
    return principal


Viewer = Annotated[Principal | None, Depends(_viewer)]
"""Anybody; None without a token."""
Reader = Annotated[Principal, Depends(_reader)]
Submitter = Annotated[Principal, Depends(_submitter)]
Organiser = Annotated[Principal, Depends(_organiser)]
"""Who organises the competition of the path's `slug`, and administrators."""
Caretaker = Annotated[Care, Depends(_caretaker)]
"""The same, and the staff of its cohorts, each as far as these go."""
Administrator = Annotated[Principal, Depends(_admin)]
