"""The skill profile: the values of its formula, and that no result ever lowers an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.radar import AXES, Confidence, Evidence, Known, Radar, radar

NOW = datetime(2027, 1, 1, tzinfo=UTC)
KNOWN = {
    f"{skill}-{level}": Known(f"{skill}-{level}", skill, skill, level, 100 * level, (skill, f"level-{level}"))
    for skill in AXES
    for level in (1, 2, 3)
}


def result(challenge: str, score: float, *, days: float = 0, **more: bool) -> Evidence:
    given = {"passed": score >= 70, "gate_failed": False, "team": False} | more
    return Evidence(challenge, "cup", score, received_at=NOW - timedelta(days=days), **given)


def axis(found: Radar, skill: str) -> tuple[float, str, Confidence]:
    one = next(axis for axis in found.axes if axis.skill == skill)
    return one.value, one.level, one.confidence


def test_who_has_done_nothing_stands_at_the_prior() -> None:
    found = radar([], KNOWN, NOW)
    assert [(one.skill, one.value, one.level, one.confidence) for one in found.axes] == [
        (skill, 30.0, "Explorer", Confidence.low) for skill in AXES
    ]
    assert (found.readiness, found.tags, found.formula) == (30.0, [], "1")
    assert found.next == ["algorithms-1", "communication-1", "data-handling-1"]


def test_the_values_of_the_formula() -> None:
    perfect = [result("programming-2", 100)]
    assert axis(radar(perfect, KNOWN, NOW), "programming") == (65.0, "Engineer", Confidence.medium), "200 points: 65"
    assert axis(radar([result("programming-1", 100)], KNOWN, NOW), "programming") == (
        53.3,
        "Practitioner",
        Confidence.low,
    )
    full = [result(f"programming-{level}", 100) for level in (1, 2, 3)]
    assert axis(radar(full, KNOWN, NOW), "programming") == (82.5, "Engineer", Confidence.medium)
    old = [result("programming-2", 100, days=365)]
    assert axis(radar(old, KNOWN, NOW), "programming")[0] == round(100 * (100 + 60) / 300, 1)
    team = [result("programming-2", 100, team=True)]
    assert axis(radar(team, KNOWN, NOW), "programming")[0] == round(100 * (140 + 60) / 340, 1)
    gate = [result("programming-2", 90, gate_failed=True, passed=False)]
    assert axis(radar(gate, KNOWN, NOW), "programming")[0] == round(100 * (0.6 * 200 + 60) / 400, 1)


def test_a_lead_has_passed_something_hard_and_much() -> None:
    many = {f"p{n}": Known(f"p{n}", "P", "programming", 2, 200, ()) for n in range(10)}
    easy = [result(slug, 100) for slug in many]
    assert axis(radar(easy, many, NOW), "programming")[1:] == ("Engineer", Confidence.high)
    hard = many | {"p9": replace(many["p9"], level=3)}
    assert axis(radar(easy, hard, NOW), "programming")[1:] == ("Lead", Confidence.high)


def test_readiness_is_the_geometric_mean() -> None:
    found = radar([result("programming-2", 100)], KNOWN, NOW)
    assert found.readiness == round(math.exp((math.log(65) + 7 * math.log(30)) / 8), 1)


def test_the_weakest_tags_lead_on() -> None:
    found = radar([result("evaluation-1", 10), result("deployment-1", 100), result("evaluation-2", 90)], KNOWN, NOW)
    assert [(tag.name, tag.passed, tag.tried) for tag in found.tags] == [
        ("evaluation", 1, 2),
        ("level-1", 1, 2),
        ("deployment", 1, 1),
        ("level-2", 1, 1),
    ]
    assert found.next[:2] == ["evaluation-1", "evaluation-3"]


results = st.lists(
    st.builds(
        result,
        st.sampled_from(sorted(KNOWN)[:6]),
        st.floats(0, 100),
        days=st.floats(0, 2000),
        passed=st.booleans(),
        gate_failed=st.booleans(),
        team=st.booleans(),
    ),
    max_size=8,
)


@given(results, results, st.randoms())
def test_it_depends_on_no_order_and_no_result_lowers_it(
    some: Sequence[Evidence], more: Sequence[Evidence], random: Random
) -> None:
    shuffled = [*some]
    random.shuffle(shuffled)
    assert radar(some, KNOWN, NOW) == radar(shuffled, KNOWN, NOW)
    tried = {one.challenge for one in some}
    again = [one for one in more if one.challenge in tried]
    before, after = radar(some, KNOWN, NOW), radar([*some, *again], KNOWN, NOW)
    for old, new in zip(before.axes, after.axes, strict=True):
        assert new.value >= old.value - 1e-9


@given(results, st.floats(0, 100), st.floats(0, 100))
def test_a_better_result_is_never_worse(some: Sequence[Evidence], low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    worse = radar([*some, result("programming-1", low)], KNOWN, NOW)
    better = radar([*some, result("programming-1", high)], KNOWN, NOW)
    assert axis(better, "programming")[0] >= axis(worse, "programming")[0]


@pytest.mark.parametrize("slug", ["gone", ""])
def test_a_challenge_that_is_gone_counts_nothing(slug: str) -> None:
    assert radar([result(slug, 100)], KNOWN, NOW) == radar([], KNOWN, NOW)
