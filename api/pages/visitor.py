"""Who looks at a page: from the session cookie to a Visit, and whether a form is our own; knows no page.

Pages take the cookie and nothing else, the JSON routes a token and never the cookie: so a foreign page can make a
browser send only forms, and those are refused unless they name our origin and carry the session's own token.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, Request, Response

from api.auth import Principal, peer
from api.context import Context, Shared
from api.errors import Problem
from api.store import sessions
from api.store.tables import Scope

PLAIN_COOKIE = "assay"
SECURE_COOKIE = "__Host-assay"
"""Over TLS: the browser then takes it from this very host only, and for all of its paths."""
FORM_FIELD = "csrf"


@dataclass(frozen=True)
class Visit:
    """One look at a page; `form_token` stands in every form of somebody signed in, and is wrong in every other's."""

    principal: Principal | None = None
    secret: str = ""
    token_id: int | None = None
    """The token with which the session ends, if it began with one."""

    @property
    def form_token(self) -> str:
        return hashlib.sha256(b"form:" + self.secret.encode()).hexdigest()


NOBODY = Visit()
FormToken = Annotated[str, Form(alias=FORM_FIELD, max_length=100)]
"""What a form says is its session's token; to be checked with `check_form`."""


def of_request(request: Request) -> Visit:
    """The visit of this request; NOBODY when the cookie is missing, unknown or over. Looked up once a request.

    Raises Problem rate_limited.
    """
    visit = getattr(request.state, "visit", None)
    if visit is None:
        visit = request.state.visit = _look(request)
    assert isinstance(visit, Visit)
    return visit


def _look(request: Request) -> Visit:
    context: Context = request.app.state.context
    secret = request.cookies.get(_cookie_name(request), "")
    caller = sessions.find(context.store, secret) if secret else None
    if caller is None:
        context.limiter.hit("anonymous", peer(request))
        return NOBODY
    context.limiter.hit("request", str(caller.person_id))
    return Visit(Principal.of(caller), secret, caller.token_id)


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
"""Somebody signed in who may read; otherwise unauthorized, and the page of that refusal asks them to sign in."""
Reader = Annotated[Principal, Depends(_reader)]


def check_origin(request: Request, context: Shared) -> None:
    """Whether a page of ours sent this form. Raises Problem foreign_form.

    Every browser of today names the origin of a form; one that names none, or says that it is none, is refused.
    """
    if request.headers.get("origin") != own_origin(request, context):
        raise Problem("foreign_form")


def check_form(visit: Visit, given: object) -> None:
    """Whether a form carries the token of this session. Raises Problem unauthorized, foreign_form."""
    if visit.principal is None:
        raise Problem("unauthorized")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), visit.form_token.encode()):
        raise Problem("foreign_form", "The form is not of this session. Load the page again, then send it again.")


def check_own(visit: Visit, given: object) -> Principal:
    """Who sent a form that changes something of theirs. Raises Problem unauthorized, foreign_form, forbidden."""
    check_form(visit, given)
    assert visit.principal is not None
    visit.principal.needs(Scope.submit)
    return visit.principal


def own_origin(request: Request, context: Context) -> str:
    """Where people find this judge: what the operator said, else as the request names it."""
    return context.settings.public_url or f"{request.url.scheme}://{request.url.netloc}"


def sign_in(request: Request, response: Response, person_id: int, token_id: int | None) -> None:
    """Begins a session, which ends with the token if there is one, and hands its cookie to the browser."""
    context: Context = request.app.state.context
    lasts = context.settings.session_seconds
    secret = sessions.begin(context.store, person_id, seconds=lasts, token_id=token_id)
    secure = _secure(request)
    response.set_cookie(_cookie_name(request), secret, max_age=int(lasts), secure=secure, httponly=True, samesite="lax")


def forget(request: Request, response: Response) -> None:
    """Takes the cookie from the browser."""
    response.delete_cookie(_cookie_name(request), secure=_secure(request), httponly=True, samesite="lax")


def _cookie_name(request: Request) -> str:
    return SECURE_COOKIE if _secure(request) else PLAIN_COOKIE


def _secure(request: Request) -> bool:
    context: Context = request.app.state.context
    return own_origin(request, context).startswith("https:")


OwnForm = Depends(check_origin)
"""For every route that takes a form."""
