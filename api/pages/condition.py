"""How the judge is doing, as HTML, made once a moment and shared by all viewers; names no worker and no host."""

import hashlib
import threading
import time

from api.context import Context
from api.pages.render import fragment
from api.pages.streams import Fragment
from api.store import status

KEPT = 1.0
"""Seconds for which one piece is shown to everybody."""


class Condition:
    """The piece of the status page. Safe to use from any thread."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._kept: tuple[Fragment, float] | None = None

    def current(self) -> Fragment:
        """The piece as it stands, KEPT seconds old at the most."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[1] >= KEPT:
                self._kept = (self._render(), time.monotonic())
            return self._kept[0]

    def _render(self) -> Fragment:
        html = fragment("_status.html", status=status.status(self._context.store))
        return Fragment(hashlib.sha256(html.encode()).hexdigest()[:16], html, final=False)
