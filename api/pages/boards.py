"""Leaderboards as HTML, rendered once a change and shared by all viewers; knows no request."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace

from markupsafe import escape

from api.context import Context
from api.pages.render import fragment
from api.pages.streams import Fragment
from api.routes.leaderboards import scale_of
from api.store import competitions, events, leaderboards
from api.store.competitions import CompetitionView
from api.store.leaderboards import Board, Row, Which

PAGE = 100
KEPT = 128
RECHECK = 10.0
"""Seconds after which a stream asks whether the board is still the one: a phase begins and ends without an event."""


@dataclass(frozen=True)
class Key:
    """Which piece of which board; `page` counts from 1."""

    competition: str
    which: Which
    page: int


@dataclass(frozen=True)
class Shown(Fragment):
    """A board that was rendered, as of the public event `event_id` of its competition."""

    event_id: int
    competition: CompetitionView
    board: Board


def marked(shown: Shown, name: str | None) -> Shown:
    """The board with the line of this entry marked as the viewer's own; everything else is shared by all viewers."""
    place = next((place for place, row in enumerate(shown.board.rows) if row.entry == name), None)
    if place is None:
        return shown
    row = shown.board.rows[place]
    line = f'<tr data-key="{escape(key_of(row, shown.board.offset + place))}"'
    return replace(shown, html=shown.html.replace(line, f'<tr class="mine"{line.removeprefix("<tr")}', 1))


def key_of(row: Row, place: int) -> str:
    """By which a line is known when the board changes: its name or, where it has none to show, its place."""
    return row.name if row.name is not None else f"#{place}"


class Boards:
    """The boards somebody looked at lately. Safe to use from any thread."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[Shown, float]] = OrderedDict()
        self.rendered = 0

    def current(self, key: Key, event_id: int | None = None) -> Shown:
        """The board as it stands; with `event_id` as of that event or later, and RECHECK seconds old at the most.

        Raises Problem unknown_competition, unknown_challenge.
        """
        with self._lock:  # who comes second finds it done
            shown, checked = self._kept.get(key, (None, 0.0))
            if shown and event_id is not None and shown.event_id >= event_id and time.monotonic() - checked < RECHECK:
                return shown
            began = time.monotonic()
            competition, event_id = self._now(key.competition)
            stamp = f"{event_id}.{competition.phase}.{competition.entries}.{competition.frozen}"
            if shown is None or shown.stamp != stamp:
                shown = self._render(key, competition, event_id, stamp)
            self._kept[key] = (shown, began)
            self._kept.move_to_end(key)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return shown

    def _now(self, slug: str) -> tuple[CompetitionView, int]:
        # Read before the board: if it changes in between, the board is newer than its stamp and is rendered once more.
        store = self._context.store
        event_id = events.last_id(store, competition_id=competitions.number(store, slug))
        return competitions.find(store, slug), event_id

    def _render(self, key: Key, competition: CompetitionView, event_id: int, stamp: str) -> Shown:
        offset = (key.page - 1) * PAGE
        board = leaderboards.board(
            self._context.store,
            key.competition,
            key.which,
            offset=offset,
            limit=PAGE,
            scale=scale_of(self._context, key.which.challenge),
        )
        self.rendered += 1
        html = fragment(
            "_board.html",
            board=board,
            competition=competition,
            titles=self.titles(competition),
            worth={place.slug: place.points for place in competition.challenges},
            page=key.page,
            key_of=key_of,
            more=offset + len(board.rows) < board.entries,
        )
        return Shown(stamp=stamp, html=html, final=False, event_id=event_id, competition=competition, board=board)

    def titles(self, competition: CompetitionView) -> dict[str, str]:
        """Title by slug of the competition's challenges, in order; a challenge that is gone keeps its slug."""
        known = self._context.challenges
        slugs = [place.slug for place in competition.challenges]
        return {slug: known[slug].title if slug in known else slug for slug in slugs}
