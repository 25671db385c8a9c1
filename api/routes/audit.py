"""The audit log: what administrators and the judge itself did; append only."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.auth import Administrator, Organiser
from api.context import Shared
from api.problems import problems
from api.routes.words import MAX_ID, Answer, PathSlug, Route
from api.store import audit, competitions

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


Action = Annotated[str | None, Query(max_length=64, description="Only this action, as `rejudging.apply`.")]
Subject = Annotated[str | None, Query(max_length=200, description="Only what was done to this.")]
Cursor = Annotated[int | None, Query(ge=1, le=MAX_ID, description="A page's `next_cursor`.")]
Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/audit", responses=problems("forbidden"))
def read_audit(
    context: Shared,
    _principal: Administrator,
    action: Action = None,
    subject: Subject = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ActsAnswer:
    """What was done, newest first (administrators). `by` is null where the judge did it by itself."""
    return _page(audit.listed(context.store, action=action, subject=subject, before=cursor, limit=limit + 1), limit)


@router.get("/competitions/{slug}/audit", responses=problems("forbidden", "unknown_competition"))
def read_competition_audit(
    context: Shared,
    _principal: Organiser,
    slug: PathSlug,
    action: Action = None,
    subject: Subject = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ActsAnswer:
    """What staff did in one competition, newest first (organisers)."""
    number = competitions.number(context.store, slug)
    acts = audit.listed(
        context.store, action=action, subject=subject, before=cursor, limit=limit + 1, competition_id=number
    )
    return _page(acts, limit)


def _page(acts: list[audit.Act], limit: int) -> ActsAnswer:
    shown = [ActAnswer.model_validate(one) for one in acts[:limit]]
    return ActsAnswer(acts=shown, next_cursor=shown[-1].id if len(acts) > limit else None)
