"""Which challenges this host can judge: makes the image of a runtime when it is first needed; knows no queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping

import structlog

from challenges.loader import Challenge
from sandbox.types import SandboxError

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 300.0
"""After a failure it is tried again, but not at once: a full disk does not mend in a second."""


class Runtimes:
    """Safe to use from many threads; at most one image is made at a time.

    `image_of` gives an image's id and raises SandboxError where it has not been made; `make` makes it, None where that
    is somebody else's part. An image that turns up is noticed, whoever made it.
    """

    def __init__(
        self,
        challenges: Mapping[str, Challenge],
        image_of: Callable[[str], str],
        make: Callable[[str], object] | None,
    ) -> None:
        self._needs = {slug: {one.runtime, one.grader_runtime} for slug, one in challenges.items()}
        self._image_of = image_of
        self._make = make
        self._lock = threading.Lock()
        self._missing = set[str]().union(*self._needs.values())
        self._making: str | None = None
        self._failed: dict[str, float] = {}
        self.look()

    def look(self) -> None:
        """Look for the images that were missing."""
        with self._lock:
            missing = sorted(self._missing)
        for runtime in missing:
            try:
                self._image_of(runtime)
            except SandboxError:
                continue
            with self._lock:
                self._missing.discard(runtime)
            log.info("runtime.ready", runtime=runtime)

    def lacking(self) -> dict[str, str]:
        """Why a challenge cannot be judged here yet, by short name; empty where all can."""
        with self._lock:
            found = {slug: sorted(needs & self._missing) for slug, needs in self._needs.items()}
            return {slug: self._said(missing[0]) for slug, missing in found.items() if missing}

    def _said(self, runtime: str) -> str:
        if runtime == self._making:
            return f"Its runtime {runtime} is being made on the judge, which takes a few minutes."
        if runtime in self._failed or self._make is None:
            return f"Its runtime {runtime} has not been made on the judge yet."
        return f"Its runtime {runtime} is made when it is first needed."

    def need(self, slugs: Iterable[str]) -> None:
        """Begin to make, in the background, what one of these challenges lacks; ask again for the next."""
        with self._lock:
            if self._make is None or self._making is not None:
                return
            late = time.monotonic() - AGAIN_SECONDS
            wanted = sorted(set[str]().union(*(self._needs[slug] for slug in slugs)) & self._missing)
            wanted = [one for one in wanted if self._failed.get(one, late) <= late]
            if not wanted:
                return
            self._making = wanted[0]
        threading.Thread(target=self._work, args=(self._make, wanted[0]), name="runtime", daemon=True).start()

    def _work(self, make: Callable[[str], object], runtime: str) -> None:
        begun = time.monotonic()
        log.info("runtime.making", runtime=runtime)
        try:
            make(runtime)
        except (SandboxError, OSError) as error:
            log.error("runtime.not_made", runtime=runtime, error=str(error))
        else:
            log.info("runtime.made", runtime=runtime, seconds=round(time.monotonic() - begun, 1))
            self.look()
        finally:
            with self._lock:  # whatever went wrong, an error of our own too
                if runtime in self._missing:
                    self._failed[runtime] = time.monotonic()
                self._making = None
