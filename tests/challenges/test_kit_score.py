"""From findings to points: gates, anchors, two parts, and the strict reader the worker uses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from challenges.kit import Check, GraderError, Group, InvalidOutput, Score

EXACT = Group("exact", 30, True, "Look again.")
METRIC = Group("metric", 70, False, "Better.", 0.4, 0.7, 0.6)
LESS = Group("error", 1, False, "Smaller.", 10.0, 2.0, 4.0)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def test_weights_and_anchors_make_points() -> None:
    score = Score.of([EXACT, METRIC], {"exact": True, "metric": 0.55}, metric=0.55, standard_error=0.01)
    assert score.points == pytest.approx(30 + 70 * 0.5)
    assert score.private_points == score.points
    assert [(check.name, check.passed) for check in score.checks] == [("exact", True), ("metric", False)]
    assert (score.metric, score.standard_error) == (0.55, 0.01)
    assert Score.of([EXACT, METRIC], {"exact": True, "metric": 0.7}).points == 100


def test_a_failed_gate_caps_at_sixty_in_its_own_part_only() -> None:
    heavy = Group("metric", 700, False, "", 0.4, 0.7, 0.6)
    score = Score.of([EXACT, heavy], {"exact": False, "metric": 1.0}, {"exact": True, "metric": 1.0})
    assert (score.points, score.private_points) == (60, 100)
    assert Score.of([EXACT, METRIC], {"exact": False, "metric": 0.4}).points == 0


def test_a_metric_gate_fails_below_its_threshold() -> None:
    gate = Group("metric", 1, True, "", 0.0, 1.0, 0.9)
    assert Score.of([gate], {"metric": 0.89}).points == 60
    assert Score.of([gate], {"metric": 0.9}).points == 90


def test_less_can_be_better() -> None:
    values = {found: LESS.check(found) for found in (12, 10, 6, 4, 2, 0)}
    assert [check.value for check in values.values()] == [0, 0, 0.5, 0.75, 1, 1]
    assert [check.passed for check in values.values()] == [False, False, False, True, True, True]


def test_a_weight_of_nothing_still_gates() -> None:
    gate = Group("gate", 0, True, "")
    assert Score.of([gate, METRIC], {"gate": False, "metric": 0.7}).points == 60
    assert Score.of([gate, METRIC], {"gate": True, "metric": 0.7}).points == 100


@given(st.floats(0.1, 1e6), st.floats(0.1, 1e6), st.booleans(), FINITE)
def test_points_stay_between_nothing_and_a_hundred(one: float, other: float, held: bool, found: float) -> None:
    groups = [Group("a", one, True, ""), Group("b", other, False, "", 0.0, 1.0, 0.5)]
    score = Score.of(groups, {"a": held, "b": found})
    assert 0 <= score.points <= (100 if held else 60)
    assert Score.from_json(score.as_json()) == score


@pytest.mark.parametrize("found", [{}, {"exact": True}, {"exact": True, "metric": 1.0, "more": True}])
def test_every_group_is_judged_once(found: dict[str, bool | float]) -> None:
    with pytest.raises(GraderError, match="the grader judged"):
        Score.of([EXACT, METRIC], found)
    with pytest.raises(GraderError, match="the grader judged"):
        Score.of([EXACT, METRIC], {"exact": True, "metric": 1.0}, found)


@pytest.mark.parametrize(("group", "found"), [(EXACT, 1.0), (EXACT, 1), (EXACT, None), (METRIC, True), (METRIC, "0.5")])
def test_the_wrong_type_is_the_authors_fault(group: Group, found: Any) -> None:
    with pytest.raises(GraderError, match=group.name):
        group.check(found)


@pytest.mark.parametrize(
    "found", [math.nan, math.inf, -math.inf, np.float64("nan"), 10**400, -(10**400)], ids=lambda one: str(one)[:9]
)
def test_a_metric_that_is_no_number_is_invalid_output(found: float) -> None:
    with pytest.raises(InvalidOutput):
        Score.of([METRIC], {"metric": found})
    with pytest.raises(InvalidOutput):
        Score.of([METRIC], {"metric": 0.5}, metric=found)
    with pytest.raises(InvalidOutput):
        Score.of([METRIC], {"metric": 0.5}, metric=0.5, standard_error=found)


@pytest.mark.parametrize("found", [1.1e300, 1.7e308, 10**301], ids=lambda one: str(one)[:9])
def test_a_metric_beyond_what_a_score_may_hold_is_invalid_output(found: float) -> None:
    """A square of a wild answer may be as large; the worker, which reads strictly, would call it the author's fault."""
    for kept in (1e300, -1e300, 10**300):
        score = Score.of([LESS], {"error": found}, metric=kept, standard_error=abs(kept))
        assert Score.from_json(score.as_json()) == score
    for metric, spread in ((found, None), (-found, None), (1.0, found)):
        with pytest.raises(InvalidOutput):
            Score.of([LESS], {"error": 1.0}, metric=metric, standard_error=spread)


def test_numpy_findings_are_welcome() -> None:
    score = Score.of([EXACT, METRIC], {"exact": np.bool_(True), "metric": np.float64(0.7)}, metric=np.float64(0.7))  # type: ignore[dict-item]
    assert score.points == 100
    assert all(type(value) is float for value in (score.points, score.metric, score.checks[1].value))


@pytest.mark.parametrize("anchors", [(0.1, None, None), (None, 0.1, 0.1), (0.1, 0.2, None), (0.1, 0.1, 0.1)])
def test_anchors_go_together(anchors: tuple[float | None, ...]) -> None:
    with pytest.raises(GraderError):
        Group("metric", 1, False, "", *anchors)


@pytest.mark.parametrize(
    "change",
    [
        {"points": 100.01},
        {"points": -1},
        {"points": math.nan},
        {"points": True},
        {"points": "100"},
        {"points": 10**400},
        {"private_points": math.inf},
        {"metric": math.inf},
        {"metric": 10**400},
        {"standard_error": -0.1},
        {"checks": None},
        {"checks": [{}]},
        {"checks": [Check("a", 1, 1, True, "", True).as_json()] * 2},
        {"checks": [Check(f"{n}", 1, 1, True, "", True).as_json() for n in range(65)]},
        {"checks": [Check("a" * 201, 1, 1, True, "", True).as_json()]},
        {"checks": [Check("a", 1, 1, True, "h" * 201, True).as_json()]},
        {"checks": [Check("a", 1.5, 1, True, "", True).as_json()]},
        {"checks": [Check("a", 1, 1, True, "", True).as_json() | {"passed": 1}]},
        {"checks": [Check("a", 1, 1, True, "", True).as_json() | {"detail": "hidden"}]},
        {"more": 1},
    ],
)
def test_what_is_no_score_is_refused(change: dict[str, Any]) -> None:
    good = Score.of([EXACT], {"exact": True}).as_json()
    assert Score.from_json(good).points == 100
    with pytest.raises(GraderError):
        Score.from_json(good | change)


@given(ANYTHING)
def test_anything_else_is_refused_as_the_authors_fault(data: Any) -> None:
    with pytest.raises(GraderError):
        Score.from_json(data)
    with pytest.raises(GraderError):
        Check.from_json(data)
