"""The skill profile: eight axes out of the results of one person; pure arithmetic that knows no table.

Formula 1. Evidence of a result is score / 100, at most 0.6 where a compulsory check failed; what was never tried is no
evidence. Its weight is the points of the challenge's level, halved for every year of age, times 0.7 where a team handed
it in. An axis is 100 * (sum w e + k m) / (sum w + k) with k = 200 points and m = 0.3, so that little evidence stays
near m. Of several results of a challenge that one counts with which the axis is highest: no result ever lowers it.
The readiness is the geometric mean of the axes: a hole cannot be bought off.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

FORMULA = "1"
AXES = (
    "programming",
    "mathematics",
    "data-handling",
    "algorithms",
    "deep-learning",
    "evaluation",
    "deployment",
    "communication",
)
PRIOR_POINTS = 200.0
PRIOR = 0.3
HALF_LIFE_DAYS = 365.0
GATE_FAILED = 0.6
TEAM = 0.7
MEDIUM_POINTS, HIGH_POINTS = 200, 600
LEVELS = ((85.0, "Lead"), (65.0, "Engineer"), (40.0, "Practitioner"), (0.0, "Explorer"))
"""From which value on; a Lead also needs high confidence and one passed challenge of level 3."""
WEAKEST = 3
NEXT = 3


class Confidence(StrEnum):
    """By the points of the challenges that were tried."""

    low = "low"
    medium = "medium"
    high = "high"


@dataclass(frozen=True)
class Known:
    """What the profile needs to know of a challenge."""

    slug: str
    title: str
    skill: str
    level: int
    points: int
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """One result that was told; `score` is 0 to 100."""

    challenge: str
    competition: str
    score: float
    passed: bool
    gate_failed: bool
    team: bool
    received_at: datetime


@dataclass(frozen=True)
class Axis:
    """One skill, 0 to 100. `points` are those of the challenges that were tried."""

    skill: str
    value: float
    level: str
    confidence: Confidence
    points: int
    evidence: list[Evidence]


@dataclass(frozen=True)
class Tag:
    """A part of a skill: how many of the challenges that were tried are passed."""

    name: str
    passed: int
    tried: int


@dataclass(frozen=True)
class Radar:
    formula: str
    at: datetime
    axes: list[Axis]
    readiness: float
    tags: list[Tag]
    next: list[str]
    """Short names of the challenges to go on with."""


def radar(results: Iterable[Evidence], known: Mapping[str, Known], now: datetime) -> Radar:
    """The profile of whoever has these results; those of challenges that are gone count nothing."""
    by_challenge: dict[str, list[Evidence]] = {}
    for one in results:
        if one.challenge in known:
            by_challenge.setdefault(one.challenge, []).append(one)
    axes = [
        _axis(skill, [group for slug, group in sorted(by_challenge.items()) if known[slug].skill == skill], known, now)
        for skill in AXES
    ]
    passed = {slug for slug, group in by_challenge.items() if any(one.passed for one in group)}
    tags = _tags(by_challenge, passed, known)
    readiness = math.exp(sum(math.log(axis.value) for axis in axes) / len(axes))
    return Radar(FORMULA, now, axes, round(readiness, 1), tags, _next(tags, axes, passed, known))


def _axis(skill: str, groups: Sequence[Sequence[Evidence]], known: Mapping[str, Known], now: datetime) -> Axis:
    value, chosen = PRIOR, [group[0] for group in groups]
    while True:  # Dinkelbach's method for a maximum of a ratio: each round is better than the one before, or the last
        best = [max(group, key=lambda one: _gain(one, value, known, now)) for group in groups]
        weights = [_weight(one, known, now) for one in best]
        total = sum(w * _worth(one) for w, one in zip(weights, best, strict=True)) + PRIOR_POINTS * PRIOR
        found = total / (sum(weights) + PRIOR_POINTS)
        if found <= value + 1e-12 and chosen == best:
            break
        value, chosen = found, best
    points = sum(known[one.challenge].points for one in chosen)
    confidence = (
        Confidence.low if points < MEDIUM_POINTS else Confidence.medium if points <= HIGH_POINTS else Confidence.high
    )
    hard = any(known[one.challenge].level >= 3 and one.passed for group in groups for one in group)
    shown = round(100 * found, 1)
    return Axis(skill, shown, _level(shown, confidence, hard), confidence, points, list(chosen))


def _worth(one: Evidence) -> float:
    worth = one.score / 100
    return min(worth, GATE_FAILED) if one.gate_failed else worth


def _weight(one: Evidence, known: Mapping[str, Known], now: datetime) -> float:
    days = max(0.0, (now - one.received_at).total_seconds() / 86400)
    return known[one.challenge].points * float(0.5 ** (days / HALF_LIFE_DAYS)) * (TEAM if one.team else 1.0)


def _gain(one: Evidence, value: float, known: Mapping[str, Known], now: datetime) -> tuple[float, datetime, str]:
    return _weight(one, known, now) * (_worth(one) - value), one.received_at, one.competition


def _level(value: float, confidence: Confidence, hard: bool) -> str:
    for least, name in LEVELS:
        if value >= least and (name != "Lead" or (confidence is Confidence.high and hard)):
            return name
    return LEVELS[-1][1]


def _tags(by_challenge: Mapping[str, Sequence[Evidence]], passed: set[str], known: Mapping[str, Known]) -> list[Tag]:
    """Of what was tried, the weakest first."""
    tried: dict[str, list[str]] = {}
    for slug in by_challenge:
        for tag in known[slug].tags:
            tried.setdefault(tag, []).append(slug)
    tags = [Tag(name, len(passed.intersection(slugs)), len(slugs)) for name, slugs in tried.items()]
    return sorted(tags, key=lambda tag: (tag.passed / tag.tried, -tag.tried, tag.name))


def _next(tags: Sequence[Tag], axes: Sequence[Axis], passed: set[str], known: Mapping[str, Known]) -> list[str]:
    """What is not passed yet of the weakest tags, then of the lowest axes, the easiest first."""
    open_ones = sorted((one for one in known.values() if one.slug not in passed), key=lambda one: (one.level, one.slug))
    weak = [tag.name for tag in tags[:WEAKEST] if tag.passed < tag.tried]
    found = [one.slug for tag in weak for one in open_ones if tag in one.tags]
    lowest = sorted(axes, key=lambda axis: (axis.value, axis.skill))
    found += [
        one.slug for axis in lowest for one in [next((o for o in open_ones if o.skill == axis.skill), None)] if one
    ]
    return list(dict.fromkeys(found))[:NEXT]
