"""Puts one api together: middleware, routes, and the parts that live as long as it does; knows no noun."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.blobs import Blobs
from api.context import Context, Rings
from api.disk import used_percent
from api.intake import Bounds, Intake
from api.limiter import Limiter
from api.live import Live
from api.metrics import ApiMetrics, Observed, exposed
from api.pages import site
from api.passwords import Passwords
from api.queue import Bell
from api.routes import (
    accounts,
    audit,
    comparisons,
    competitions,
    extensions,
    leaderboards,
    notices,
    rejudgings,
    results,
    status,
    submissions,
)
from api.routes import challenges as challenge_routes
from api.settings import Settings, write_private
from api.store import Store, people
from api.sweeper import Sweeper
from challenges.loader import Challenge, builtin_root, load_all

PREFIX = "/api/v1"
ANY_ROUTE = ("bad_request", "unauthorized", "invalid_request", "rate_limited", "internal_error", "database_unavailable")
WITH_BODY = ("bad_json", "slow_body", "too_large")


def create_app(
    settings: Settings,
    bell: Rings | None = None,
    challenges: Mapping[str, Challenge] | None = None,
    store: Store | None = None,
) -> FastAPI:
    """The api of one installation. The data folder, the schema and the first administrator are made at its start.

    `bell`, `challenges` and `store` replace what the settings name. Raises ChallengeError, UnsupportedDatabase.
    """
    context = _context(settings, bell, challenges, store)
    app = _Api(
        title="Assay",
        summary="An automated, sandboxed judge for machine-learning engineering",
        version="0.1.0",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        separate_input_output_schemas=False,
    )
    app.state.context = context
    app.state.metrics = ApiMetrics(context.store, lambda: used_percent(settings.data))
    if isinstance(context.bell, Bell):
        app.state.metrics.count_bell(context.bell)
    app.state.histories = results.Histories()
    problems.install(app)
    app.add_middleware(Intake, bounds=_bounds(settings))
    app.add_middleware(_Headers)
    app.include_router(status.health)
    v1 = APIRouter(prefix=PREFIX)
    for noun in (
        accounts,
        challenge_routes,
        competitions,
        extensions,
        submissions,
        leaderboards,
        results,
        notices,
        rejudgings,
        comparisons,
        audit,
        status,
    ):
        v1.include_router(noun.router)
    app.include_router(v1)
    site.install(app)
    return app


def _context(
    settings: Settings, bell: Rings | None, challenges: Mapping[str, Challenge] | None, store: Store | None
) -> Context:
    settings.prepare()
    opened = store or Store(settings.database)
    live = Live(
        opened,
        poll_seconds=settings.live_poll_seconds,
        stream_seconds=settings.stream_seconds,
        max_streams=settings.max_streams,
    )
    return Context(
        settings=settings,
        store=opened,
        blobs=Blobs(settings.blobs_dir),
        bell=bell or Bell(settings.broker, instance=settings.instance),
        live=live,
        limiter=Limiter(settings),
        passwords=Passwords(),
        challenges=load_all([builtin_root(), *settings.challenges]) if challenges is None else challenges,
    )


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        max_bytes=settings.max_body_kb * 1024,
        min_rate=settings.upload_min_rate,
        grace_seconds=settings.upload_grace_seconds,
        total_seconds=settings.upload_total_seconds,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    metrics: ApiMetrics = app.state.metrics
    settings = context.settings
    context.store.migrate()
    people.ensure_admin(context.store, lambda token: write_private(settings.admin_token_file, token + "\n"))
    sweeper = Sweeper(settings, context.store, context.blobs, context.bell, metrics.expired.inc)
    sweeper.start()
    try:
        with exposed(metrics.registry, settings.metrics_host, settings.api_metrics_port):
            yield
    finally:
        await context.live.stop()
        sweeper.stop()
        context.bell.close()
        context.store.close()


class _Api(FastAPI):
    """FastAPI whose requests are observed and whose OpenAPI document names the refusals that every route can give."""

    def build_middleware_stack(self) -> ASGIApp:
        # around everything, Starlette's own answer to an unforeseen error included
        return Observed(super().build_middleware_stack(), self.state.metrics, prefix=PREFIX)

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = get_openapi(
                title=self.title, version=self.version, summary=self.summary, routes=self.routes, tags=self.openapi_tags
            )
            document["components"]["schemas"]["Problem"] = problems.SCHEMA
            for unused in ("HTTPValidationError", "ValidationError"):
                document["components"]["schemas"].pop(unused, None)
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    _name_refusals(operation, always=path.startswith(PREFIX))
            self.openapi_schema = document
        return self.openapi_schema


def _name_refusals(operation: dict[str, Any], *, always: bool) -> None:
    responses = operation["responses"]
    if problems.MEDIA_TYPE not in responses.get("422", {}).get("content", {}):
        responses.pop("422", None)  # FastAPI's own shape, which this api never answers with
    codes = (ANY_ROUTE if always else ("internal_error",)) + (WITH_BODY if "requestBody" in operation else ())
    for status_code, entry in problems.problems(*codes).items():
        known = responses.setdefault(str(status_code), entry)
        content = known.get("content", {}).get(problems.MEDIA_TYPE)
        if content is not None:
            content["examples"] = entry["content"][problems.MEDIA_TYPE]["examples"] | content["examples"]


class _Headers:
    """What a browser must know of every answer: it is what it says it is, and tells nobody where it came from."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("referrer-policy", "same-origin")
            await send(message)

        await self.app(scope, receive, with_headers)
