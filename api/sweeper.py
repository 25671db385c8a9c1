"""Runs the sweep every few seconds in a thread of its own; knows not what it finds."""

import threading
from collections.abc import Callable
from functools import partial

import structlog

from api.blobs import Blobs
from api.context import Rings
from api.settings import Settings
from api.store import Store, erase, submissions
from api.store.sweep import Sweeps

CLEAN_EVERY_SECONDS = 600.0

log = structlog.get_logger(__name__)


class Sweeper:
    """Any number of processes may have one; a pass that fails is told and tried again."""

    def __init__(
        self, settings: Settings, store: Store, blobs: Blobs, bell: Rings, expired: Callable[[int], None] | None = None
    ) -> None:
        """`expired` hears how many claims of dead workers a pass found."""
        self._settings = settings
        self._store = store
        self._blobs = blobs
        self._expired = expired
        self._sweeps = Sweeps(
            store,
            lease_seconds=settings.lease_seconds,
            renew_seconds=settings.renew_seconds,
            retry_base_seconds=settings.retry_base_seconds,
            max_strikes=settings.max_strikes,
            max_attempts=settings.max_attempts,
            ring=bell.ring,
        )
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        until_clean = 0.0
        while not self._stopped.wait(self._settings.sweep_seconds):
            until_clean -= self._settings.sweep_seconds
            try:
                self._pass()
                if until_clean <= 0:
                    self._clean()
                    until_clean = CLEAN_EVERY_SECONDS
            except Exception as error:  # noqa: BLE001 - a database that is away comes back; the sweep must still be there
                log.error("sweep.failed", error=type(error).__name__)

    def _clean(self) -> None:
        """What a killed process left half written, and files that no submission needs, or none any more."""
        days = self._settings.retention_days
        while days and not self._stopped.is_set() and (erased := erase.after_competitions(self._store, days)):
            log.info("submissions.erased", submissions=erased)
        self._blobs.clean()
        removed = self._blobs.collect(partial(submissions.referred_to, self._store))
        if removed:
            log.info("blobs.collected", removed=removed)

    def _pass(self) -> None:
        counts = self._sweeps.once()
        if self._expired is not None:
            self._expired(counts.expired)
