"""Turns every refusal into one answer (RFC 9457) and into OpenAPI's words; decides nothing."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api.errors import CODES, Problem

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20

log = structlog.get_logger(__name__)

_BY_STATUS = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found"} | {
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


class Nothing(Exception):
    """There is nothing more to stream: the answer is 204, which tells an EventSource not to come again."""


class BodyRefused(HTTPException):
    """A Problem met while FastAPI reads the body; it lets nothing but an HTTPException through there."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code.status)
        self.problem = problem


def respond(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The answer to a refusal."""
    extra = {"X-Content-Type-Options": "nosniff"} | (headers or {})
    if problem.retry_after is not None:
        extra["Retry-After"] = str(problem.retry_after)
    if problem.code.status == HTTPStatus.UNAUTHORIZED:
        extra["WWW-Authenticate"] = 'Bearer realm="assay"'
    return JSONResponse(problem.document(), problem.code.status, extra, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answers every error of this application."""

    @app.exception_handler(Problem)
    def _problem(_: Request, error: Problem) -> Response:
        return respond(error)

    @app.exception_handler(Nothing)
    def _nothing(_: Request, _error: Nothing) -> Response:
        return Response(status_code=204)

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> Response:
        if isinstance(error, BodyRefused):
            return respond(error.problem)
        fallback = "bad_request" if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else "internal_error"
        return respond(Problem(_BY_STATUS.get(error.status_code, fallback)), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> Response:
        return respond(invalid(error.errors()))

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    def _database(request: Request, error: Exception) -> Response:
        log.error("database.unavailable", path=request.url.path, error=type(error).__name__)
        return respond(Problem("database_unavailable", retry_after=2))

    @app.exception_handler(Exception)
    def _unexpected(request: Request, error: Exception) -> Response:
        log.error("request.failed", method=request.method, path=request.url.path, error=type(error).__name__)
        return respond(Problem("internal_error"))


def invalid(errors: Sequence[Any]) -> Problem:
    """What is wrong with a request, field by field, without repeating what was sent."""
    fields = [
        {"field": ".".join(str(part) for part in error["loc"])[:200], "message": str(error["msg"])[:200]}
        for error in errors[:MAX_ERRORS]
    ]
    detail = "; ".join(f"{field['field']}: {field['message']}" for field in fields[:3])
    return Problem("invalid_request", detail or "A part of the request is not valid.", errors=fields)


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for these codes."""
    found: dict[int | str, dict[str, Any]] = {}
    for name in codes:
        code = CODES[name]
        entry = found.setdefault(
            code.status,
            {
                "description": HTTPStatus(code.status).phrase,
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
            },
        )
        example = {"summary": code.title, "value": Problem(name).document()}
        entry["content"][MEDIA_TYPE]["examples"][name] = example
    return found


SCHEMA = {
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457). `code` is stable.",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": sorted(CODES)},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
        "competitions": {"type": "array", "items": {"type": "string"}},
    },
}
