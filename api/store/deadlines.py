"""Until when an entry may hand in for a challenge, and what being late leaves of the points; knows no submission."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from sqlmodel import Session, col, or_, select

from api.errors import Problem
from api.store.tables import Competition, CompetitionChallenge, Entry, Extension

LATE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Deadline:
    """What is received before `on_time` counts in full; what is received from `last` on is refused (None: never)."""

    on_time: datetime | None
    last: datetime | None
    extended: bool = False


class Window(NamedTuple):
    """One challenge's place in a competition, as far as time goes."""

    opens_at: datetime
    closes_at: datetime | None
    late: Sequence[float]
    own: datetime | None
    """The challenge's own end, if it has one."""


def window(competition: Competition, place: CompetitionChallenge) -> Window:
    return Window(competition.opens_at, competition.closes_at, competition.late, place.closes_at)


def deadline(of: Window, until: datetime | None = None) -> Deadline:
    """The deadline of an entry with an extension to `until`, or without one.

    Late days follow a challenge's own end, and none goes beyond that of the competition: only an extension does.
    """
    common = of.closes_at if of.own is None else of.own
    on_time = common if until is None or common is None else max(common, until)
    if on_time is None or of.own is None:
        return Deadline(on_time, on_time, on_time != common)
    last = on_time + len(of.late) * LATE_DAY
    if of.closes_at is not None:
        last = max(on_time, min(last, of.closes_at))
    return Deadline(on_time, last, on_time != common)


def credit(of: Window, until: datetime | None, received_at: datetime) -> float:
    """What is left of the points, 0 to 1, of something received at this moment.

    Where there are no late days it is everything: what was accepted under an extension that was taken back since stays.
    """
    on_time = deadline(of, until).on_time
    if on_time is None or received_at < on_time or not of.late:
        return 1.0
    return of.late[min(int((received_at - on_time) / LATE_DAY), len(of.late) - 1)]


class Extensions:
    """The extensions of some entries, looked up once, when they are first asked for."""

    def __init__(self, session: Session, entry_id: int | None = None, competition_id: int | None = None) -> None:
        query = select(Extension.entry_id, Extension.competition_challenge_id, Extension.closes_at)
        if entry_id is not None:
            query = query.where(Extension.entry_id == entry_id)
        if competition_id is not None:
            query = query.join(Entry, col(Entry.id) == Extension.entry_id).where(Entry.competition_id == competition_id)
        self._look = lambda: session.exec(query).all()

    @cached_property
    def _until(self) -> dict[tuple[int, int | None], datetime]:
        found: dict[tuple[int, int | None], datetime] = {}
        for entry, place, closes_at in self._look():
            key = (entry, place)
            found[key] = max(closes_at, found.get(key, closes_at))
        return found

    def until(self, entry_id: int, place_id: int | None) -> datetime | None:
        """Until when this entry may hand in for this challenge, if it has an extension."""
        found = [self._until[key] for key in ((entry_id, place_id), (entry_id, None)) if key in self._until]
        return max(found, default=None)


def of_entry(session: Session, competition: Competition, place: CompetitionChallenge, entry_id: int) -> Deadline:
    """The deadline of one entry for one challenge."""
    query = select(Extension.closes_at).where(
        Extension.entry_id == entry_id,
        or_(col(Extension.competition_challenge_id).is_(None), Extension.competition_challenge_id == place.id),
    )
    return deadline(window(competition, place), max(session.exec(query).all(), default=None))


def check(
    competition: Competition, place: CompetitionChallenge, found: Deadline, now: datetime, *, over: bool = False
) -> None:
    """Whether something is taken now; with `over` also after the end.

    Raises Problem competition_not_begun, challenge_not_open, competition_over, challenge_closed.
    """
    if now < competition.opens_at:
        raise Problem("competition_not_begun", f"{competition.slug} begins at {competition.opens_at.isoformat()}.")
    if place.opens_at is not None and now < place.opens_at:
        raise Problem("challenge_not_open", f"{place.challenge} begins at {place.opens_at.isoformat()}.")
    if over or found.last is None or now < found.last:
        return
    if competition.closes_at is not None and now >= competition.closes_at:
        raise Problem("competition_over", f"{competition.slug} ended at {competition.closes_at.isoformat()}.")
    raise Problem("challenge_closed", f"{place.challenge} ended at {found.last.isoformat()}.")
