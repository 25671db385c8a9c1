"""Gives an api its pages: routes, static files, and refusals as a page where a person asked; knows no noun."""

import json
import os
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api import problems
from api.context import Context
from api.errors import Problem
from api.pages import lists, manage, routes, season, signin
from api.pages.boards import Boards
from api.pages.condition import Condition
from api.pages.render import PRIVATE, STATIC, page
from api.pages.signin import next_of
from api.pages.visitor import NOBODY

FOR_PROGRAMS = ("/api/", "/healthz", "/readyz")
REFUSALS = (Problem, HTTPException, RequestValidationError, OperationalError, PoolTimeout, Exception)
SIGN_IN = 'Session realm="Assay"'
"""No browser knows this scheme, so it shows the page, which asks to sign in, instead of a window of its own."""

Handler = Callable[[Request, Any], Response]


def install(app: FastAPI) -> None:
    """Mounts the pages on an api whose own routes and refusals are in place."""
    context: Context = app.state.context
    app.state.boards = Boards(context)
    app.state.condition = Condition(context)
    app.mount("/static", _Static(directory=STATIC))
    app.include_router(routes.router)
    app.include_router(lists.router)
    app.include_router(signin.router)
    app.include_router(season.router)
    app.include_router(manage.router)
    for kind in REFUSALS:
        handler: Any = app.exception_handlers[kind]
        app.add_exception_handler(kind, _for_people(handler))


def _for_people(respond: Handler) -> Handler:
    """The same refusal, as a page unless a program asked."""

    def refuse(request: Request, error: Any) -> Response:
        if request.url.path.startswith(FOR_PROGRAMS):
            return respond(request, error)
        if isinstance(error, RequestValidationError) and any(one["loc"][0] == "path" for one in error.errors()):
            # an address that cannot exist is one that does not
            return _page(request, problems.respond(Problem("not_found")))
        return _page(request, respond(request, error))

    return refuse


def _page(request: Request, refusal: Response) -> Response:
    document = json.loads(bytes(refusal.body))
    headers = dict(PRIVATE)
    if refusal.status_code == 401:
        headers["WWW-Authenticate"] = SIGN_IN
    if "retry-after" in refusal.headers:
        headers["Retry-After"] = refusal.headers["retry-after"]
    # Who it was is not looked up for a refusal: what refused may be the database itself.
    visit = getattr(request.state, "visit", None) or NOBODY
    return page(
        "error.html",
        visit,
        status=refusal.status_code,
        headers=headers,
        problem=document,
        next=next_of(request),
        retry_after=headers.get("Retry-After"),
    )


class _Static(StaticFiles):
    """Files; under an address that changes with their content a browser need not ask for them again."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        lasting = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
        return response
