"""News to many: one poller reads new event rows and hands them to bounded queues; knows no HTTP and no rights."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field

import structlog
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError

from api.errors import Problem
from api.store import Store, events
from api.store.events import Happening
from api.store.tables import Audience

QUEUE = 200
PAGE = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Topic:
    """What one stream is about: the events for the owner of a submission, or the public ones of a competition."""

    submission_id: str | None = None
    competition_id: int | None = None

    def matches(self, event: Happening) -> bool:
        if self.submission_id is not None:
            return event.submission_id == self.submission_id and event.audience is Audience.owner
        return event.competition_id == self.competition_id and event.audience is Audience.public


@dataclass(eq=False)
class Follower:
    """One who listens. A follower that does not keep up is ended; it comes back and asks from its last event on."""

    topic: Topic
    queue: asyncio.Queue[Happening | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))

    def give(self, event: Happening | None) -> None:
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            event = None
        self.queue.put_nowait(event)

    async def next(self, seconds: float) -> Happening | None:
        """The next event; None when the time is over or the stream has been ended."""
        try:
            return await asyncio.wait_for(self.queue.get(), max(0.0, seconds))
        except TimeoutError:
            return None


class Live:
    """Polls only while somebody listens. Every method but `close` belongs to the event loop."""

    def __init__(self, store: Store, *, poll_seconds: float, stream_seconds: float, max_streams: int) -> None:
        self.store = store
        self.stream_seconds = stream_seconds
        self._poll_seconds = poll_seconds
        self._max_streams = max_streams
        self._followers: set[Follower] = set()
        self._each: Counter[str] = Counter()
        self._last: int | None = None
        self._priming = asyncio.Lock()
        self._poller: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def close(self) -> None:
        """Ends every stream, and refuses new ones; may be called from any thread."""
        self._closed = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end_all)

    def _end_all(self) -> None:
        for follower in self._followers:
            follower.give(None)

    def full(self, who: str) -> bool:
        """Whether one more stream of this account or address would be too many; nobody gets more than a quarter."""
        total = len(self._followers)
        return self._closed or total >= self._max_streams or self._each[who] >= max(1, self._max_streams // 4)

    def check(self, who: str) -> None:
        """Raises Problem too_many_streams where `follow` would: once a stream has begun it is too late to refuse it."""
        if self.full(who):
            raise Problem("too_many_streams", retry_after=5)

    @contextlib.asynccontextmanager
    async def follow(self, topic: Topic, who: str) -> AsyncIterator[Follower]:
        """Listens from now on: every event committed after this line was reached is given to the follower.

        Raises Problem too_many_streams.
        """
        self.check(who)
        follower = Follower(topic)
        self._loop = asyncio.get_running_loop()
        self._followers.add(follower)
        self._each[who] += 1
        try:
            async with self._priming:
                if self._last is None:
                    self._last = await run_in_threadpool(events.last_id, self.store)
                if self._poller is None or self._poller.done():
                    self._poller = asyncio.create_task(self._poll(), name="live")
            yield follower
        finally:
            self._followers.discard(follower)
            self._each[who] -= 1
            if not self._each[who]:
                del self._each[who]

    async def stream(
        self, topic: Topic, who: str, since: int, last: Callable[[Happening], bool] = lambda _: False
    ) -> AsyncGenerator[Happening, None]:
        """Events of a topic after the id `since`, each once and in order: first from the table, then as they happen.

        Ends after the event for which `last` says so, and in any case after `stream_seconds`.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + self.stream_seconds
        async with self.follow(topic, who) as follower:
            full = True
            while full:
                page = await run_in_threadpool(self._replay, topic, since)
                full = len(page) == PAGE
                for event in page:
                    yield event
                    since = event.id
                    if last(event):
                        return
            while (news := await follower.next(end - clock())) is not None:
                if news.id <= since:
                    continue
                yield news
                since = news.id
                if last(news):
                    return

    def _replay(self, topic: Topic, since: int) -> list[Happening]:
        found = events.after(
            self.store, since, submission_id=topic.submission_id, competition_id=topic.competition_id, limit=PAGE
        )
        return list(found)

    async def _poll(self) -> None:
        while self._followers:
            try:
                news = await run_in_threadpool(events.after, self.store, self._last or 0, limit=PAGE)
            except SQLAlchemyError as error:
                log.warning("live.poll_failed", error=type(error).__name__)
                news = []
            for event in news:
                self._last = event.id
                for follower in self._followers:
                    if follower.topic.matches(event):
                        follower.give(event)
            if len(news) < PAGE:
                await asyncio.sleep(self._pause())
        self._last = None

    def _pause(self) -> float:
        """Shorter while somebody waits for a verdict of their own: most of what they would wait for would be this."""
        waited_for = any(follower.topic.submission_id is not None for follower in self._followers)
        return self._poll_seconds / (5 if waited_for else 1)

    async def stop(self) -> None:
        """Ends the poller."""
        self.close()
        if self._poller is not None:
            self._poller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poller
