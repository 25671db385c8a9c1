"""Profiles, histories, grades and exports: what results come to beside the boards."""

import csv
import io
import threading
from collections import OrderedDict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api.auth import Administrator, Caretaker, Organiser, Reader
from api.context import Context, Shared
from api.errors import Problem
from api.problems import problems
from api.radar import Confidence, Known, Radar, radar
from api.routes.leaderboards import harmless, is_staff
from api.routes.words import Answer, Id, PathSlug, Route
from api.store import competitions, events, export, people, results
from api.store.results import Day

router = APIRouter(tags=["results"], route_class=Route)

KEPT = 16
"""Competitions whose histories are kept."""


class EvidenceAnswer(Answer):
    challenge: str
    competition: str
    score: float
    passed: bool
    gate_failed: bool
    team: bool
    received_at: datetime


class AxisAnswer(Answer):
    skill: str
    value: Annotated[float, Field(description="0 to 100.")]
    level: str
    confidence: Confidence
    points: Annotated[int, Field(description="Of the challenges that were tried.")]
    evidence: Annotated[list[EvidenceAnswer], Field(description="One result of each challenge: what counts.")]


class TagAnswer(Answer):
    name: str
    passed: int
    tried: int


class RadarAnswer(Answer):
    formula: Annotated[str, Field(description="Its version; docs/scoring.md has it.")]
    at: datetime
    axes: list[AxisAnswer]
    readiness: Annotated[float, Field(description="The geometric mean of the axes.")]
    tags: Annotated[list[TagAnswer], Field(description="The weakest first.")]
    next: Annotated[list[str], Field(description="Challenges to go on with.")]


class DayAnswer(Answer):
    date: date
    rank: int | None
    points: float | None
    solved: int


class HistoryAnswer(Answer):
    competition: str
    entry: str
    days: Annotated[list[DayAnswer], Field(description="At the end of each day of the competition's time zone.")]


def profile_of(context: Context, person_id: int) -> Radar:
    """Somebody's skill profile as of now."""
    known = {
        one.slug: Known(one.slug, one.title, one.skill, one.level, one.points, one.tags)
        for one in context.challenges.values()
    }
    return radar(results.evidence(context.store, person_id), known, context.store.now())


@router.get("/people/me/profile", responses=problems("forbidden"))
def read_my_profile(context: Shared, principal: Reader) -> RadarAnswer:
    """My skill profile, from everything I was told a score of."""
    return RadarAnswer.model_validate(profile_of(context, principal.person_id))


@router.get("/people/{person_id}/profile", responses=problems("forbidden", "not_found"))
def read_profile(context: Shared, _principal: Administrator, person_id: Id) -> RadarAnswer:
    """Somebody's skill profile (administrators)."""
    if not people.exists(context.store, person_id):
        raise Problem("not_found")
    return RadarAnswer.model_validate(profile_of(context, person_id))


class Histories:
    """The histories somebody asked for lately, computed once a change. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, bool], tuple[object, dict[str, list[Day]]]] = OrderedDict()

    def current(self, context: Context, slug: str, *, staff: bool) -> dict[str, list[Day]]:
        """As of now, by entry. Raises Problem unknown_competition."""
        number = competitions.number(context.store, slug)
        view = competitions.find(context.store, slug)
        stamp = (
            events.last_id(context.store, None if staff else number),  # of a freeze the public hear nothing
            view.phase,
            view.frozen,
            view.entries,
            context.store.now().date(),
        )
        key = (slug, staff)
        with self._lock:  # who comes second finds it done
            if key in self._kept and self._kept[key][0] == stamp:
                return self._kept[key][1]
            found = results.histories(context.store, slug, staff=staff)
            self._kept[key] = (stamp, found)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found


def histories_of(request: Request) -> Histories:
    """Those of this api."""
    histories = request.app.state.histories
    assert isinstance(histories, Histories)
    return histories


@router.get(
    "/leaderboards/{competition}/history",
    responses=problems("forbidden", "unknown_competition", "not_entered"),
)
def read_history(
    context: Shared,
    histories: Annotated[Histories, Depends(histories_of)],
    principal: Reader,
    competition: PathSlug,
    entry: Annotated[str | None, Query(max_length=64, description="Default: mine.")] = None,
) -> HistoryAnswer:
    """Rank and points of an entry, day by day; of others' only where all ranks are named, or for staff."""
    staff = is_staff(context, principal, competition)
    mine = competitions.entry_of(context.store, competition, principal.person_id)
    named = competitions.find(context.store, competition).named is None
    wanted = entry or mine
    if wanted is None:
        raise Problem("not_entered")
    if wanted != mine and not named and not staff:
        raise Problem("forbidden", "The boards of this competition do not name everybody.")
    found = histories.current(context, competition, staff=staff)
    if wanted not in found:
        raise Problem("not_entered", f"Nobody of that name is in {competition}.")
    days = [DayAnswer.model_validate(one) for one in found[wanted]]
    return HistoryAnswer(competition=competition, entry=wanted, days=days)


@router.get(
    "/competitions/{slug}/grades.csv",
    response_class=Response,
    responses={
        200: {"description": "The grades", "content": {"text/csv": {}}},
        **problems("forbidden", "unknown_competition"),
    },
)
def export_grades(
    context: Shared,
    care: Caretaker,
    slug: PathSlug,
    format: Annotated[Literal["moodle", "canvas"], Query(description="Whose gradebook is to take it.")] = "moodle",
) -> Response:
    """A line a person with the points of every challenge, as gradebooks import it (staff, unfrozen).

    Moodle maps people by the address and takes each column as a grade item; Canvas wants its five columns first and the
    points that are possible in the second line.
    """
    places, grades = results.grades(context.store, slug, care.within)
    worth = [place.points for place in places]
    titles = [_title(context, place.challenge) for place in places]
    lines: list[list[object]]
    if format == "moodle":
        lines = [["Full name", "Email address", "Group", "Team", *titles, "Total"]]
        head = [[harmless(one.person), one.email, harmless(one.cohort or ""), harmless(one.entry)] for one in grades]
    else:
        lines = [
            ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles, "Total"],
            ["    Points Possible", "", "", "", "", *worth, sum(worth)],
        ]
        head = [[harmless(one.person), "", "", one.email, harmless(one.cohort or "")] for one in grades]
    for who, one in zip(head, grades, strict=True):
        lines.append([*who, *(one.points.get(place.challenge) for place in places), one.total])
    headers = {"Content-Disposition": f'attachment; filename="{slug}-grades.csv"'}
    return Response(_csv(lines), media_type="text/csv; charset=utf-8", headers=headers)


def _title(context: Context, slug: str) -> str:
    known = context.challenges.get(slug)
    return harmless(known.title if known else slug)


def _csv(lines: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(["" if cell is None else cell for cell in line] for line in lines)
    return out.getvalue()


@router.get("/competitions/{slug}/export", responses=problems("forbidden", "unknown_competition"))
def export_competition(context: Shared, _principal: Organiser, slug: PathSlug) -> dict[str, Any]:
    """All that the boards follow from, as JSON: rules, challenges, entries, extensions, and every submission with the
    verdict that counts, private scores included (organisers)."""
    return export.export(context.store, slug)
