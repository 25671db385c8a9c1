"""What the routes' requests and answers are made of; knows no route."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api import jsonbody
from api.context import of_request
from api.errors import Problem
from api.names import MAX_NAME, SLUG, PathSlug, plain
from api.problems import BodyRefused

MAX_ID = 2**31 - 1


__all__ = ["PathSlug"]  # with the other words

Slug = Annotated[str, Field(pattern=SLUG, max_length=64)]
QuerySlug = Annotated[str | None, Query(pattern=SLUG, max_length=64)]
Id = Annotated[int, Path(ge=1, le=MAX_ID)]
SubmissionId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{22}$")]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(plain)]
Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(plain)]


class Asked(BaseModel):
    """A request's body: exactly the known fields, each of exactly its type."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """A response's body, read off a view of the store."""

    model_config = ConfigDict(from_attributes=True)


class BoundedJson(Request):
    """A request whose JSON is read within bounds, and not on the event loop."""

    async def json(self) -> Any:
        limit = of_request(self).settings.max_json_kb * 1024
        try:
            return await run_in_threadpool(jsonbody.parse, await self.body(), max_bytes=limit)
        except Problem as problem:
            raise BodyRefused(problem) from None


class Route(APIRoute):
    """A route whose JSON body is read within bounds."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            return await handler(BoundedJson(request.scope, request.receive))

        return bounded
