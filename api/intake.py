"""ASGI middleware between the wire and the routes: a body has a size, a pace and an end; knows no route."""

import asyncio
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Problem
from api.problems import respond

DRAIN_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 2.0
"""After a refusal the rest of a body is thrown away within these bounds, so that an honest client can read why."""


@dataclass(frozen=True)
class Bounds:
    """The most bytes of a body, and its pace: `min_rate` bytes a second after a grace, and a total time."""

    max_bytes: int
    min_rate: float
    grace_seconds: float
    total_seconds: float


class _Refused(Exception):
    """Stops whoever reads the body; the answer is already decided."""


class Intake:
    """Refuses bodies that are too large (413) or come too slowly (408), whichever route they are meant for."""

    def __init__(self, app: ASGIApp, bounds: Bounds) -> None:
        self.app = app
        self.bounds = bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive, self.bounds)
        answer = _Answer(scope, body, send)
        try:
            if body.declared > self.bounds.max_bytes:
                body.refuse("too_large", f"A body may have {self.bounds.max_bytes} bytes.")
            await self.app(scope, body.receive, answer.send)
        except _Refused:
            await answer.refuse()
        except Exception:
            if body.refusal is None:
                raise
            await answer.refuse()


class _Body:
    """The request's body on its way in; only the time spent waiting for the client counts against it."""

    def __init__(self, scope: Scope, receive: Receive, bounds: Bounds) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        self.declared = int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0
        self.complete = self.declared == 0 and "transfer-encoding" not in headers
        self.refusal: Problem | None = None
        self._receive = receive
        self._bounds = bounds
        self._received = 0
        self._waited = 0.0

    def refuse(self, code: str, detail: str) -> None:
        self.refusal = Problem(code, detail)
        raise _Refused

    async def receive(self) -> Message:
        if self.complete:
            return await self._receive()
        if self.refusal is not None:
            raise _Refused
        bounds = self._bounds
        paced = bounds.grace_seconds + self._received / bounds.min_rate
        allowed = min(bounds.total_seconds, paced) - self._waited
        clock = asyncio.get_running_loop().time
        start = clock()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, allowed))
        except TimeoutError:
            self.refuse("slow_body", f"A body must come at {bounds.min_rate:g} bytes a second or faster.")
            raise
        self._waited += clock() - start
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
            if self._received > bounds.max_bytes:
                self.refuse("too_large", f"A body may have {bounds.max_bytes} bytes.")
        else:
            self.complete = True  # the client has gone
        return message

    async def drain(self) -> None:
        """Throws the rest away, within bounds."""
        left = DRAIN_BYTES
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while left > 0 and not self.complete:
                    message = await self._receive()
                    left -= len(message.get("body", b""))
                    self.complete = message["type"] != "http.request" or not message.get("more_body", False)
        except TimeoutError:
            return


class _Answer:
    """The response on its way out. A refusal replaces whatever the application makes of a body that broke off."""

    def __init__(self, scope: Scope, body: _Body, send: Send) -> None:
        self._scope = scope
        self._body = body
        self._send = send
        self._started = False
        self._replaced = False

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start" and not self._started:
            if self._body.refusal is not None:
                await self.refuse()
                return
            await self._start(message)
            return
        await self._send(message)

    async def refuse(self) -> None:
        if self._started:
            return
        self._replaced = True
        assert self._body.refusal is not None
        await respond(self._body.refusal)(self._scope, self._body.receive, self._start)

    async def _start(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started = True
            if not self._body.complete:
                if self._body.refusal is None or self._body.refusal.code.code != "slow_body":
                    await self._body.drain()
                if not self._body.complete:
                    MutableHeaders(scope=message)["connection"] = "close"
        await self._send(message)
