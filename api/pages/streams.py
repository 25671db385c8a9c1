"""Pieces of pages as server-sent events, each sent when it differs from the one before; knows no piece."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent

from api.live import Follower, Live, Topic

PAUSE = 0.3
"""Seconds between two pieces of one stream: a burst of events is one piece."""
RETRY = 1000
"""Milliseconds after which a browser comes back."""
FINAL = "final"
"""The event after a final piece, at which a browser does not come back."""


@dataclass(frozen=True)
class Fragment:
    """HTML that replaces what a page shows; equal stamps mean equal content, `final` that none will follow."""

    stamp: str
    html: str
    final: bool


Render = Callable[[int | None], Fragment]
"""Makes the piece: for None as it stands, for the id of an event at least as new as that."""


def _seen(
    last: Annotated[str | None, Header(alias="Last-Event-ID", max_length=100)] = None,
    seen: Annotated[str | None, Query(max_length=100)] = None,
) -> str | None:
    return last or seen


Seen = Annotated[str | None, Depends(_seen)]
"""The stamp of the piece a viewer has: of the last event, and before the first one of the page as it was loaded."""


async def follow(
    live: Live, topic: Topic, who: str, render: Render, *, sent: str | None, recheck: float
) -> AsyncIterator[ServerSentEvent]:
    """The newest piece unless it was `sent` already, and again after news or `recheck` seconds if it has changed.

    A viewer who comes back with the stamp it has (Last-Event-ID) therefore gets what it missed, and nothing twice.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + live.stream_seconds
    async with live.follow(topic, who) as follower:
        piece = await run_in_threadpool(render, None)
        newest = 0
        while True:
            if piece.stamp != sent:
                yield ServerSentEvent(id=piece.stamp, raw_data=piece.html, retry=RETRY)
                sent = piece.stamp
            if piece.final:
                yield ServerSentEvent(event=FINAL, id=piece.stamp, raw_data="")
                return
            await asyncio.sleep(PAUSE)
            news = await _news(follower, min(recheck, end - clock()))
            if news is None or clock() >= end:
                return
            newest = max(newest, news)
            piece = await run_in_threadpool(render, newest)


async def _news(follower: Follower, seconds: float) -> int | None:
    """The id of the newest event within the time, 0 when there was none, None when the stream has been ended."""
    clock = asyncio.get_running_loop().time
    late = clock() + seconds
    event = await follower.next(seconds)
    if event is None:
        return 0 if clock() >= late else None
    while not follower.queue.empty():
        following = follower.queue.get_nowait()
        if following is None:
            return None
        event = following
    return event.id
