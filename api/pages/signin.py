"""Signing in and out, joining with a code, and one's own account, as pages; knows no challenge and no submission."""

import re
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import TypeAdapter, ValidationError

from api.auth import peer
from api.context import Context, Shared
from api.errors import Problem
from api.pages import visitor
from api.pages.render import page
from api.pages.visitor import FormToken, Member, OwnForm, Visit, Visitor
from api.passwords import MAX_LENGTH, MIN_LENGTH
from api.routes.words import Id, Name
from api.store import competitions, links, people, sessions

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=300)]
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_LOCAL = re.compile(r"/(?!/)[\x21-\x5b\x5d-\x7e]*")
"""A path of ours: no other host, and no backslash that a browser would take for a slash."""


def next_of(request: Request) -> str:
    """Where somebody wanted to go who has to sign in first."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return _local(wanted) if request.method == "GET" and request.url.path != "/sign-in" else "/"


def _local(path: str) -> str:
    return path if _LOCAL.fullmatch(path) else "/"


@router.get("/sign-in")
def sign_in_page(visit: Visitor, to: Annotated[str, Query(alias="next", max_length=300)] = "/") -> HTMLResponse:
    """Asks for name and password, or a token."""
    return page("sign_in.html", visit, next=_local(to), name="", refusal=None)


@router.post("/sign-in", dependencies=[OwnForm])
def sign_in(
    request: Request,
    context: Shared,
    visit: Visitor,
    name: Text = "",
    password: Text = "",
    token: Text = "",
    to: Annotated[str, Form(alias="next", max_length=300)] = "/",
) -> Response:
    """Begins a session, always a new one, and leads where somebody wanted to go."""
    try:
        person_id, token_id = (
            _by_token(request, context, token) if token else _by_password(request, context, name, password)
        )
    except Problem as refusal:
        if refusal.code.code != "unauthorized":
            raise
        told = refusal.document()
        return page("sign_in.html", visit, status=401, next=_local(to), name=name, refusal=told)
    if visit.principal is not None:
        sessions.end(context.store, visit.secret)
    answer = RedirectResponse(_local(to), 303)
    visitor.sign_in(request, answer, person_id, token_id)
    return answer


def _by_token(request: Request, context: Context, token: str) -> tuple[int, int | None]:
    """Person and token. Raises Problem unauthorized, rate_limited."""
    context.limiter.check("bad_token", peer(request))
    caller = people.authenticate(context.store, token.strip())
    if caller is None:
        context.limiter.hit("bad_token", peer(request))
        raise Problem("unauthorized", "This token is not valid: it may be mistyped, or revoked.")
    return caller.person_id, caller.token_id


def _by_password(request: Request, context: Context, name: str, password: str) -> tuple[int, None]:
    """The person. Raises Problem unauthorized, rate_limited, busy."""
    return _check_password(request, context, name.strip(), password)[0], None


def _check_password(request: Request, context: Context, name: str, password: str) -> tuple[int, str]:
    """The person of this name and password, and their hash as it is kept now. Wrong passwords are counted per address
    and per name.

    Raises Problem unauthorized, rate_limited, busy.
    """
    counted = (("bad_token", peer(request)), ("bad_password", name))
    for kind, who in counted:
        context.limiter.check(kind, who)
    person_id, kept = people.password_of(context.store, name)
    right, renewed = context.passwords.check(password[:MAX_LENGTH], kept)
    if not right or person_id is None or kept is None or len(password) > MAX_LENGTH:
        for kind, who in counted:
            context.limiter.hit(kind, who)
        raise Problem("unauthorized", "Name and password do not belong together.")
    if renewed and people.set_password(context.store, person_id, renewed, expected=kept):
        kept = renewed
    return person_id, kept


@router.post("/sign-out", dependencies=[OwnForm])
def sign_out(request: Request, context: Shared, visit: Visitor, form: FormToken = "") -> Response:
    """Ends this session."""
    if visit.principal is not None:
        visitor.check_form(visit, form)
        sessions.end(context.store, visit.secret)
    answer = RedirectResponse("/", 303)
    visitor.forget(request, answer)
    return answer


@router.post("/account/sign-out-everywhere", dependencies=[OwnForm])
def sign_out_everywhere(request: Request, context: Shared, visit: Member, form: FormToken = "") -> Response:
    """Ends every session of this person, this one too."""
    principal = visitor.check_own(visit, form)
    sessions.end_all(context.store, principal.person_id)
    answer = RedirectResponse("/sign-in", 303)
    visitor.forget(request, answer)
    return answer


@router.get("/welcome")
def welcome_page(visit: Visitor) -> HTMLResponse:
    """Asks who has a link for a password; what makes the link good stands behind its # and comes with the form."""
    return page("welcome.html", visit, code="", refusal=None, least=MIN_LENGTH)


@router.post("/welcome", dependencies=[OwnForm])
def welcome(request: Request, context: Shared, visit: Visitor, code: Text = "", password: Text = "") -> Response:
    """Sets the password of who the link is for, and signs them in."""
    try:
        context.limiter.check("bad_token", peer(request))
        links.check(context.store, code)
        person_id = links.use(context.store, code, context.passwords.hash(_new_password(password)))
    except Problem as refusal:
        if refusal.code.code == "unknown_link":
            context.limiter.hit("bad_token", peer(request))
        elif refusal.code.code != "invalid_request":
            raise
        status, told = refusal.code.status, refusal.document()
        return page("welcome.html", visit, status=status, code=code, refusal=told, least=MIN_LENGTH)
    if visit.principal is not None:
        sessions.end(context.store, visit.secret)
    answer = RedirectResponse("/", 303)
    visitor.sign_in(request, answer, person_id, None)
    return answer


@router.get("/join")
def join_page(visit: Visitor, code: Annotated[str, Query(max_length=40)] = "") -> HTMLResponse:
    """Asks for the join code of a competition, and who is new for a name and a password."""
    return page("join.html", visit, code=code, name="", refusal=None, least=MIN_LENGTH)


@router.post("/join", dependencies=[OwnForm])
def join(
    request: Request,
    context: Shared,
    visit: Visitor,
    code: Text = "",
    name: Text = "",
    password: Text = "",
    form: FormToken = "",
) -> Response:
    """Gives somebody a place in a competition, and who is new an account."""
    try:
        context.limiter.check("bad_token", peer(request))
        if visit.principal is not None:
            entry = competitions.join(context.store, code, visitor.check_own(visit, form).person_id)
            return RedirectResponse(f"/leaderboards/{entry.competition}", 303)
        competitions.check_join_code(context.store, code)
        kept = context.passwords.hash(_new_password(password))
        person_id, entry = competitions.join_as_new(context.store, code, _new_name(name), kept)
    except Problem as refusal:
        if refusal.code.code == "unknown_join_code":
            context.limiter.hit("bad_token", peer(request))
        elif refusal.code.code not in (
            "competition_over",
            "name_taken",
            "already_entered",
            "invalid_request",
            "forbidden",
        ):
            raise
        status, told = refusal.code.status, refusal.document()
        return page("join.html", visit, status=status, code=code, name=name, refusal=told, least=MIN_LENGTH)
    answer = RedirectResponse(f"/leaderboards/{entry.competition}", 303)
    visitor.sign_in(request, answer, person_id, None)
    return answer


def _new_name(name: str) -> str:
    try:
        return _NAME.validate_python(name)
    except ValidationError:
        raise Problem(
            "invalid_request", "A name has 1 to 64 printable characters, and no spaces at its ends or two in a row."
        ) from None


def _new_password(password: str) -> str:
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Problem("invalid_request", f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.")
    return password


@router.get("/account")
def account_page(context: Shared, visit: Member) -> HTMLResponse:
    """Who I am, my tokens, my password and where I am signed in."""
    return _account(context, visit)


def _account(
    context: Context, visit: Visit, *, secret: str | None = None, said: str = "", refusal: Problem | None = None
) -> HTMLResponse:
    assert visit.principal is not None
    person_id = visit.principal.person_id
    return page(
        "account.html",
        visit,
        status=refusal.code.status if refusal else 200,
        me=people.profile(context.store, person_id),
        sessions=sessions.count(context.store, person_id),
        secret=secret,
        said=said,
        refusal=refusal.document() if refusal else None,
        least=MIN_LENGTH,
    )


@router.post("/account/tokens", dependencies=[OwnForm])
def create_token(context: Shared, visit: Member, label: Text = "", form: FormToken = "") -> HTMLResponse:
    """Makes a token that may do what this session may, and shows it this once."""
    principal = visitor.check_own(visit, form)
    try:
        named = _new_name(label)
    except Problem as refusal:
        return _account(context, visit, refusal=refusal)
    _, secret = people.create_token(context.store, principal.person_id, named, principal.scopes, by=principal.person_id)
    return _account(context, visit, secret=secret)


@router.post("/account/tokens/reissue", dependencies=[OwnForm])
def reissue_token(request: Request, context: Shared, visit: Member, form: FormToken = "") -> HTMLResponse:
    """For who lost a token: revokes all of them and shows a new one."""
    principal = visitor.check_own(visit, form)
    view, secret = people.reissue_token(context.store, principal.person_id, "reissued", principal.scopes)
    answer = _account(context, visit, secret=secret)
    if visit.token_id is not None:  # the session ended with its token; the person goes on with the new one
        visitor.sign_in(request, answer, principal.person_id, view.id)
    return answer


@router.post("/account/tokens/{token_id}/revoke", dependencies=[OwnForm])
def revoke_token(context: Shared, visit: Member, token_id: Id, form: FormToken = "") -> Response:
    """Revokes a token of this person."""
    principal = visitor.check_own(visit, form)
    people.revoke_token(context.store, token_id, by=principal.person_id, anybodys=False)
    return RedirectResponse("/account", 303)


@router.post("/account/password", dependencies=[OwnForm])
def set_password(
    request: Request, context: Shared, visit: Member, current: Text = "", password: Text = "", form: FormToken = ""
) -> HTMLResponse:
    """Sets a password, with the one before if there is one, and signs out everywhere else."""
    principal = visitor.check_own(visit, form)
    _, kept = people.password_of(context.store, principal.name)
    try:
        if kept is not None:
            _, kept = _check_password(request, context, principal.name, current)
        fresh = context.passwords.hash(_new_password(password))
        if not people.set_password(context.store, principal.person_id, fresh, expected=kept):
            raise Problem("unauthorized", "The password was changed elsewhere at this moment.")
    except Problem as refusal:
        if refusal.code.code not in ("unauthorized", "invalid_request"):
            raise
        return _account(context, visit, refusal=refusal)
    sessions.end_all(context.store, principal.person_id, keep=visit.secret)
    return _account(context, visit, said="The password is set, and you are signed out everywhere else.")
