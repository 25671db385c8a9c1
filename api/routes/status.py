"""How the judge is doing, and the table of error codes."""

from datetime import datetime

from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from api import disk
from api.auth import Viewer
from api.context import Shared
from api.errors import CODES
from api.routes.words import Answer, Route
from api.store import status

router = APIRouter(tags=["status"], route_class=Route)
health = APIRouter(tags=["status"], route_class=Route)


class Healthy(Answer):
    status: str


class Ready(Answer):
    """`worker` is told but not required: without one the judge still accepts."""

    ready: bool
    database: bool
    blobs: bool
    worker: bool


class WorkerAnswer(Answer):
    slots: int
    live: bool
    heartbeat_at: datetime


class StatusAnswer(Answer):
    queued: int
    running: int
    oldest_seconds: float
    slots: int
    workers: list[WorkerAnswer]


class CodeAnswer(Answer):
    code: str
    status: int
    title: str


@health.get("/healthz")
async def read_health() -> Healthy:
    """The process answers."""
    return Healthy(status="ok")


@health.get("/readyz", response_model=Ready, responses={503: {"model": Ready, "description": "Not ready"}})
def read_readiness(context: Shared) -> Response:
    """Whether a submission would be accepted now."""
    try:
        found = status.status(context.store)
        database, worker = True, any(one.live for one in found.workers)
    except SQLAlchemyError:
        database, worker = False, False
    blobs = context.blobs.writable() and disk.used_percent(context.blobs.root) < context.settings.disk_accept_percent
    ready = Ready(ready=database and blobs, database=database, blobs=blobs, worker=worker)
    return JSONResponse(ready.model_dump(), 200 if ready.ready else 503)


@router.get("/status")
def read_status(context: Shared, _viewer: Viewer) -> StatusAnswer:
    """The queue and who works on it."""
    found = status.status(context.store)
    return StatusAnswer(
        queued=found.queued,
        running=found.running,
        oldest_seconds=round(found.oldest_seconds, 1),
        slots=sum(worker.slots for worker in found.workers if worker.live),
        workers=[WorkerAnswer.model_validate(worker) for worker in found.workers],
    )


@router.get("/errors")
def list_errors(_viewer: Viewer) -> list[CodeAnswer]:
    """Every code a refusal can carry."""
    return [CodeAnswer.model_validate(code) for code in CODES.values()]
