"""Rejudgings: a set of submissions judged again beside what counts, then applied or dropped; for organisers."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field

from api.auth import Principal, Reader, needs_organiser
from api.context import Context, Shared
from api.errors import Problem
from api.problems import problems
from api.routes.words import Answer, Asked, Id, Route, Slug, Title
from api.store import rejudgings, staff
from api.store.tables import RejudgingState, Scope
from challenges.report import Verdict

router = APIRouter(tags=["rejudgings"], route_class=Route)

_EXAMPLE = {"competition": "spring-bootcamp", "challenge": "churn-f1", "reason": "The grader took ties for wrong."}


class NewRejudging(Asked):
    competition: Annotated[Slug | None, Field(description="Default: of all competitions.")] = None
    challenge: Annotated[Slug | None, Field(description="Default: of all challenges.")] = None
    verdicts: Annotated[
        tuple[Verdict, ...],
        Field(max_length=len(Verdict), description="Only what has one of these now. Default: whatever."),
    ] = ()
    reason: Annotated[Title, Field(description="For the audit log.")]


class RejudgingAnswer(Answer):
    id: int
    created_at: datetime
    reason: str
    competition: str | None
    challenge: str | None
    verdicts: list[Verdict]
    state: RejudgingState
    total: int
    judged: int
    failed: Annotated[int, Field(description="Judged, but the judge could not finish them: they keep their verdict.")]
    ended_at: datetime | None


class RejudgingsAnswer(Answer):
    rejudgings: list[RejudgingAnswer]


class ToldAnswer(Answer):
    verdict: Verdict
    score: float | None
    private_score: float | None
    version: str | None


class ChangeAnswer(Answer):
    submission: str
    competition: str
    challenge: str
    entry: str
    before: ToldAnswer
    after: ToldAnswer


class MoveAnswer(Answer):
    competition: str
    challenge: Annotated[str | None, Field(description="Null for the overall board.")]
    entry: str
    rank_before: int | None
    rank_after: int | None
    points_before: float | None
    points_after: float | None


class PreviewAnswer(Answer):
    changes: list[ChangeAnswer]
    moves: list[MoveAnswer]


@router.post(
    "/rejudgings", status_code=201, responses=problems("forbidden", "unknown_competition", "unknown_challenge")
)
def create_rejudging(
    context: Shared, principal: Reader, wanted: Annotated[NewRejudging, Body(examples=[_EXAMPLE])]
) -> RejudgingAnswer:
    """Judges again what was chosen, with the challenges as they are now, behind what people hand in (organisers).

    Nothing that people see changes until it is applied.
    """
    _needs(context, principal, wanted.competition)
    made = rejudgings.create(
        context.store,
        rejudgings.Selection(wanted.competition, wanted.challenge, wanted.verdicts),
        versions={slug: one.version for slug, one in context.challenges.items()},
        reason=wanted.reason,
        by=principal.person_id,
    )
    context.bell.ring()
    return RejudgingAnswer.model_validate(made)


@router.get("/rejudgings", responses=problems("forbidden"))
def list_rejudgings(context: Shared, principal: Reader) -> RejudgingsAnswer:
    """All rejudgings, the newest first (organisers)."""
    shown = None if principal.admin else set(staff.organised(context.store, principal.person_id))
    if shown is not None and (not shown or Scope.organise not in principal.scopes):
        raise Problem("forbidden", "Only who organises a competition may do this.")
    found = [RejudgingAnswer.model_validate(one) for one in rejudgings.listed(context.store, shown)]
    return RejudgingsAnswer(rejudgings=found)


@router.get("/rejudgings/{rejudging_id}", responses=problems("forbidden", "not_found"))
def read_rejudging(context: Shared, principal: Reader, rejudging_id: Id) -> RejudgingAnswer:
    """One rejudging, and how far it is (organisers)."""
    return RejudgingAnswer.model_validate(_own(context, principal, rejudging_id))


@router.get("/rejudgings/{rejudging_id}/preview", responses=problems("forbidden", "not_found", "rejudging_over"))
def preview_rejudging(context: Shared, principal: Reader, rejudging_id: Id) -> PreviewAnswer:
    """Every verdict, score, rank and total that would change if it were applied now (organisers)."""
    _own(context, principal, rejudging_id)
    return PreviewAnswer.model_validate(rejudgings.preview(context.store, rejudging_id))


@router.post(
    "/rejudgings/{rejudging_id}/apply",
    responses=problems("forbidden", "not_found", "not_judged_yet", "rejudging_over"),
)
def apply_rejudging(context: Shared, principal: Reader, rejudging_id: Id) -> RejudgingAnswer:
    """Lets the new verdicts count, all at once; the old ones are kept (organisers)."""
    _own(context, principal, rejudging_id)
    return RejudgingAnswer.model_validate(rejudgings.apply(context.store, rejudging_id, by=principal.person_id))


@router.post("/rejudgings/{rejudging_id}/drop", responses=problems("forbidden", "not_found", "rejudging_over"))
def drop_rejudging(context: Shared, principal: Reader, rejudging_id: Id) -> RejudgingAnswer:
    """Ends it, also half way, with nothing changed (organisers)."""
    _own(context, principal, rejudging_id)
    return RejudgingAnswer.model_validate(rejudgings.drop(context.store, rejudging_id, by=principal.person_id))


def _needs(context: Context, principal: Principal, competition: str | None) -> None:
    """Raises Problem forbidden: without a competition it is a matter of all."""
    if competition is None:
        principal.needs(Scope.admin)
    else:
        needs_organiser(context, principal, competition)


def _own(context: Context, principal: Principal, rejudging_id: int) -> rejudgings.RejudgingView:
    """Raises Problem forbidden, not_found (who may not see it learns no more than that they may not)."""
    try:
        found = rejudgings.find(context.store, rejudging_id)
    except Problem:
        principal.needs(Scope.admin)
        raise
    _needs(context, principal, found.competition)
    return found
