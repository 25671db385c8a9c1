"""The audit log: what administrators and the judge itself did; append only."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.auth import Administrator
from api.context import Shared
from api.problems import problems
from api.routes.words import MAX_ID, Answer, Route
from api.store import audit

router = APIRouter(tags=["audit"], route_class=Route)


class ActAnswer(Answer):
    id: int
    at: datetime
    by: str | None
    action: str
    subject: str
    detail: dict[str, Any]


class ActsAnswer(Answer):
    acts: list[ActAnswer]
    next_cursor: int | None


@router.get("/audit", responses=problems("forbidden"))
def read_audit(
    context: Shared,
    _principal: Administrator,
    action: Annotated[str | None, Query(max_length=64, description="Only this action, as `rejudging.apply`.")] = None,
    subject: Annotated[str | None, Query(max_length=200, description="Only what was done to this.")] = None,
    cursor: Annotated[int | None, Query(ge=1, le=MAX_ID, description="A page's `next_cursor`.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ActsAnswer:
    """What was done, newest first (administrators). `by` is null where the judge did it by itself."""
    acts = audit.listed(context.store, action=action, subject=subject, before=cursor, limit=limit + 1)
    shown = [ActAnswer.model_validate(one) for one in acts[:limit]]
    return ActsAnswer(acts=shown, next_cursor=shown[-1].id if len(acts) > limit else None)
