"""Keeps boxes that wait, imported, for the next job of their kind; knows no engine and what no job does.

A box is made ahead only of what was lately asked for, handed out once, and its memory counts until then. Whatever goes
wrong here costs time and nothing else: who gets no box makes one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from sandbox.types import Abandoned, Job, SandboxError

log = logging.getLogger(__name__)

WANTED_SECONDS = 600.0
"""A kind nobody has asked for so long is kept no more."""
LATELY_SECONDS = 60.0
"""As many boxes of a kind are kept as were asked for within this time, but one at least."""
AFTER_FAILURE_SECONDS = 10.0
QUIET_SECONDS = 0.2
"""Nothing is made so soon after a box was handed out: whoever has it is at work, and is not to be slowed down ..."""
LONGEST_SECONDS = 1.0
"""... but no longer than this while boxes are handed out one after another."""


class Waiting(Protocol):
    """A box that waits."""

    @property
    def memory_mb(self) -> float:
        """What it holds."""
        ...

    def finish(self) -> object:
        """End it."""
        ...


B = TypeVar("B", bound=Waiting)


@dataclass
class _Kind(Generic[B]):
    """What is known of one kind."""

    job: Job
    """The last one that was asked for."""
    asked: deque[float]
    boxes: list[B] = field(default_factory=list)
    memory_mb: float = 0.0
    """Of its last box; of the first one its limit, for want of better."""


class Pool(Generic[B]):
    """Boxes by kind, made by a thread of its own, one at a time. Safe to use from many threads."""

    def __init__(
        self,
        make: Callable[[Job, Callable[[], bool]], B],
        image_of: Callable[[str], str],
        kind_of: Callable[[Job], Hashable],
        *,
        most: int,
        memory_mb: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`make` makes a box fit for a job, unless abandoned.

        Jobs may have each other's boxes where `image_of` their runtimes and `kind_of` themselves are the same.
        A kind has `most` waiting boxes at the most, all together hold at most `memory_mb`.
        """
        self._make = make
        self._image_of = image_of
        self._kind_of = kind_of
        self._most = most
        self._memory_mb = memory_mb
        self._clock = clock
        self._kinds: dict[tuple[str, Hashable], _Kind[B]] = {}
        """By image and kind; the one that was asked for last stands last."""
        self._outdated: list[B] = []
        """Boxes of images that are no longer those of their runtimes, to be ended."""
        self._changed = threading.Condition()
        self._closed = False
        self._not_before = 0.0
        self._short_since = 0.0
        self.taken = 0
        self.missed = 0
        self._thread = threading.Thread(target=self._fill, name="box-pool", daemon=True)
        self._thread.start()

    def take(self, job: Job, fits: Callable[[B], bool]) -> B | None:
        """A box for this job that `fits`, the caller's from now on; None if none waits. Asking fills the pool."""
        key = self._image_of(job.runtime), self._kind_of(job)
        with self._changed:
            if self._closed:
                return None
            for other, its in list(self._kinds.items()):
                if its.job.runtime == job.runtime and other[0] != key[0]:
                    self._outdated += self._kinds.pop(other).boxes
            kind = self._kinds.pop(key, None) or _Kind(job, deque(maxlen=self._most), memory_mb=job.limits.memory_mb)
            self._kinds[key] = kind
            kind.job = job
            now = self._clock()
            kind.asked.append(now)
            if self._not_before < now:
                self._short_since = now
            self._not_before = max(self._not_before, min(now + QUIET_SECONDS, self._short_since + LONGEST_SECONDS))
        while (box := self._pop(kind)) is not None and not fits(box):
            box.finish()
        with self._changed:
            self.taken += box is not None
            self.missed += box is None
        return box

    def _pop(self, kind: _Kind[B]) -> B | None:
        with self._changed:
            self._changed.notify_all()
            return kind.boxes.pop(0) if kind.boxes else None

    def waiting(self) -> int:
        """How many boxes wait."""
        with self._changed:
            return sum(len(kind.boxes) for kind in self._kinds.values())

    def settled(self, seconds: float) -> bool:
        """Whether within so many seconds there is nothing left to make."""
        with self._changed:
            return self._changed.wait_for(lambda: self._next() is None, seconds)

    def close(self) -> None:
        """Make no more, and end every box that waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        for box in self._unwanted():
            box.finish()

    # -- the thread

    def _fill(self) -> None:
        while True:
            for box in self._unwanted():
                box.finish()
            with self._changed:
                found = None if self._clock() < self._not_before else self._next()
                if self._closed:
                    return
                if found is None:
                    self._changed.wait(self._idle_seconds())
                    continue
                key, kind = found
            try:
                box = self._make(kind.job, lambda: self._closed)
            except Abandoned:
                continue
            except SandboxError as error:
                # whoever asks next meets the same and says whose fault it is
                log.warning("no box could be made ahead: %s", error)
                self._not_before = self._clock() + AFTER_FAILURE_SECONDS
                continue
            with self._changed:
                if self._kinds.get(key) is kind and not self._closed:
                    kind.boxes.append(box)
                    kind.memory_mb = box.memory_mb
                    self._changed.notify_all()
                    continue
            box.finish()

    def _idle_seconds(self) -> float | None:
        """How long nothing can change unless somebody asks."""
        now = self._clock()
        if now < self._not_before:
            return self._not_before - now
        oldest = min((kind.asked[-1] for kind in self._kinds.values()), default=None)
        return None if oldest is None else max(0.1, oldest + WANTED_SECONDS - now)

    def _next(self) -> tuple[tuple[str, Hashable], _Kind[B]] | None:
        """The kind to make a box of: the last asked for that has too few and for which there is room."""
        if self._closed:
            return None
        for key, kind in reversed(self._kinds.items()):
            if len(kind.boxes) < self._target(kind) and self._room(key, kind):
                return key, kind
        return None

    def _target(self, kind: _Kind[B]) -> int:
        now = self._clock()
        return max(1, sum(now - at < LATELY_SECONDS for at in kind.asked))

    def _room(self, key: Hashable, kind: _Kind[B]) -> bool:
        """Whether one more fits, where boxes of kinds that were asked for earlier may have to go."""
        later = False
        held = kind.memory_mb
        for other, its in self._kinds.items():
            later = later or other == key
            if later:
                held += sum(box.memory_mb for box in its.boxes)
        return held <= self._memory_mb

    def _unwanted(self) -> list[B]:
        """Boxes taken out because nobody wants their kind, its image has changed, or a later kind needs their room."""
        with self._changed:
            gone, self._outdated = self._outdated, []
            now = self._clock()
            for key, kind in list(self._kinds.items()):
                if self._closed or now - kind.asked[-1] >= WANTED_SECONDS:
                    gone += kind.boxes
                    del self._kinds[key]
            found = self._next()
            if found is not None:
                over = found[1].memory_mb - self._memory_mb
                over += sum(box.memory_mb for kind in self._kinds.values() for box in kind.boxes)
                for kind in self._kinds.values():
                    while over > 0 and kind.boxes and kind is not found[1]:
                        over -= kind.boxes[0].memory_mb
                        gone.append(kind.boxes.pop(0))
        return gone
