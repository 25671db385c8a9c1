"""Who looks at a page; knows no page."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.auth import Principal, peer
from api.context import of_request as context_of
from api.errors import Problem
from api.store import people
from api.store.tables import Scope


@dataclass(frozen=True)
class Visit:
    """One look at a page."""

    principal: Principal | None = None


NOBODY = Visit()


def of_request(request: Request) -> Visit:
    """The visit of this request."""
    visit = getattr(request.state, "visit", None)
    if visit is None:
        visit = request.state.visit = _look(request)
    assert isinstance(visit, Visit)
    return visit


def _look(request: Request) -> Visit:
    context = context_of(request)
    secret = request.cookies.get("assay", "")
    caller = people.authenticate(context.store, secret) if secret else None
    if caller is None:
        context.limiter.hit("anonymous", peer(request))
        return NOBODY
    return Visit(Principal(caller.person_id, caller.name, frozenset({caller.role}), caller.scopes))


def _member(request: Request) -> Visit:
    visit = of_request(request)
    if visit.principal is None:
        raise Problem("unauthorized")
    visit.principal.needs(Scope.read)
    return visit


def _reader(visit: Annotated[Visit, Depends(_member)]) -> Principal:
    assert visit.principal is not None
    return visit.principal


Visitor = Annotated[Visit, Depends(of_request)]
"""Anybody; its principal is None for who is not signed in."""
Member = Annotated[Visit, Depends(_member)]
"""Somebody signed in who may read; otherwise unauthorized."""
Reader = Annotated[Principal, Depends(_reader)]
