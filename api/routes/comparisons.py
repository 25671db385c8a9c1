"""Comparisons of the programs handed in for a challenge; for organisers, who look at both and decide themselves."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field

from api.auth import Organiser
from api.context import Shared
from api.problems import problems
from api.routes.words import Answer, Asked, Id, PathSlug, Route, Slug
from api.store import comparisons
from api.store.tables import ComparisonState

router = APIRouter(tags=["comparisons"], route_class=Route)


class NewComparison(Asked):
    challenge: Slug


class PairAnswer(Answer):
    a: Annotated[str, Field(description="A submission.")]
    b: str
    entry_a: str
    entry_b: str
    similarity_a: Annotated[float, Field(description="How much of a, 0 to 1, stands in b.")]
    similarity_b: float
    regions: Annotated[
        list[list[int]], Field(description="Lines they share: first and last of a, first and last of b, from 1.")
    ]


class ComparisonAnswer(Answer):
    id: int
    challenge: str
    created_at: datetime
    state: ComparisonState
    ended_at: datetime | None
    compared: Annotated[int, Field(description="How many submissions were compared.")]
    pairs: Annotated[list[PairAnswer], Field(description="The most similar first.")]


class ComparisonsAnswer(Answer):
    comparisons: list[ComparisonAnswer]


@router.post(
    "/competitions/{slug}/comparisons",
    status_code=202,
    responses=problems("forbidden", "unknown_competition", "unknown_challenge"),
)
def compare(
    context: Shared,
    principal: Organiser,
    slug: PathSlug,
    wanted: Annotated[NewComparison, Body(examples=[{"challenge": "churn-f1"}])],
) -> ComparisonAnswer:
    """Has the programs for a challenge compared with each other, in a box, when a worker has nothing to judge
    (organisers). What the challenge gives to start from is nobody's copy."""
    made = comparisons.ask(context.store, slug, wanted.challenge, by=principal.person_id)
    context.bell.ring()
    return ComparisonAnswer.model_validate(made)


@router.get("/competitions/{slug}/comparisons", responses=problems("forbidden", "unknown_competition"))
def list_comparisons(context: Shared, _principal: Organiser, slug: PathSlug) -> ComparisonsAnswer:
    """The comparisons of a competition, the newest first, without their pairs (organisers)."""
    found = [ComparisonAnswer.model_validate(one) for one in comparisons.listed(context.store, slug)]
    return ComparisonsAnswer(comparisons=found)


@router.get(
    "/competitions/{slug}/comparisons/{comparison_id}",
    responses=problems("forbidden", "unknown_competition", "not_found"),
)
def read_comparison(context: Shared, _principal: Organiser, slug: PathSlug, comparison_id: Id) -> ComparisonAnswer:
    """One comparison with its pairs (organisers)."""
    return ComparisonAnswer.model_validate(comparisons.find(context.store, slug, comparison_id))
