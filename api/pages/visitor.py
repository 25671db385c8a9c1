"""Who looks at a page; knows no page."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.auth import Principal, principal_from_request
from api.errors import Problem
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
        visit = request.state.visit = Visit(principal_from_request(request, allow_basic=True))
    assert isinstance(visit, Visit)
    return visit


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
