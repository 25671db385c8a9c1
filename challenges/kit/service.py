"""A submission that runs as a service, as a grader may use it: HTTP in, replies out; knows no worker and no network."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from challenges.kit.errors import GraderError, InvalidOutput
from challenges.kit.line import Line
from challenges.kit.output import parse_json
from sandbox.inside import frames

REQUEST_SECONDS = 10.0
"""The most one request may take."""
BODY_CAP = 1 << 20
"""Bytes of the largest body of a reply."""
MAX_REQUESTS = 1000
MAX_PARALLEL = 32
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Request:
    """One request; `headers` replace the usual ones of the same name."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        words = (self.path, *self.headers, *self.headers.values())
        if self.method not in METHODS or not self.path.startswith("/"):
            raise GraderError(f"not a request: {self.method} {self.path}")
        if not all(word.isascii() and word.isprintable() for word in words) or " " in self.path:
            raise GraderError("path and headers of a request are printable ASCII")


@dataclass(frozen=True)
class Reply:
    """What came of one request. `status` None: no readable answer, and `error` says why.

    `error` is refused, reset, timeout, too_large or malformed; `seconds` were measured beside the service, outside it.
    """

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    error: str = ""

    def json(self) -> Any:
        """The body as one strict JSON value, read as `Output.json` reads files. Raises InvalidOutput."""
        return parse_json(self.body, "a reply")


@dataclass(frozen=True)
class Image:
    """Facts of the image the submission was built into: its USER as written, and its MB beyond the base."""

    user: str
    size_mb: float


class Service:
    """One running service. Whatever ends it before it has answered everything ends the grader's run too."""

    def __init__(self, line: Line, port: int, image: Image) -> None:
        self._line = line
        self._port = port
        self.image = image

    def ready(self, path: str, *, seconds: float) -> bool:
        """Wait until a GET of `path` answers 200.

        False when nothing has taken a connection for so many seconds although something listens: on another port.
        Otherwise the wait goes on to the end of the submission's own time, which is then over.
        """
        asked = {"port": self._port, "path": Request("GET", path).path, "seconds": float(seconds)}
        reply = self._line.ask(frames.ASK_READY, json.dumps(asked).encode())
        return bool(json.loads(reply.json)["ready"])

    def get(self, path: str) -> Reply:
        """One GET."""
        return self.send([Request("GET", path)])[0]

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        """One POST; as JSON unless the headers say otherwise."""
        return self.send([Request("POST", path, body, headers or {"Content-Type": "application/json"})])[0]

    def send(self, requests: Sequence[Request], *, parallel: int = 1) -> list[Reply]:
        """The replies in the order of the requests, of which `parallel` are under way at once.

        Raises:
            GraderError: more requests or more at once than may be asked for.
        """
        if len(requests) > MAX_REQUESTS or not 1 <= parallel <= MAX_PARALLEL:
            raise GraderError(f"at most {MAX_REQUESTS} requests, and {MAX_PARALLEL} of them at once")
        listed = [
            {
                "method": one.method,
                "path": one.path,
                "headers": dict(one.headers),
                "size": len(one.body),
                "seconds": REQUEST_SECONDS,
                "cap": BODY_CAP,
            }
            for one in requests
        ]
        asked = {"port": self._port, "parallel": parallel, "requests": listed}
        reply = self._line.ask(frames.ASK_HTTP, json.dumps(asked).encode(), b"".join(one.body for one in requests))
        return _replies(reply.json, reply.raw, len(requests))

    def stop(self, *, seconds: float) -> bool:
        """Send SIGTERM to its first process; whether it ended within so many seconds."""
        reply = self._line.ask(frames.ASK_STOP, json.dumps({"seconds": float(seconds)}).encode())
        return bool(json.loads(reply.json)["ended"])


def _replies(told: bytes, raw: bytes, count: int) -> list[Reply]:
    """The relay is ours, but it reads a stranger's bytes: anything odd is the stranger's doing."""
    try:
        listed = json.loads(told)["replies"]
        if len(listed) != count:
            raise ValueError
        found, at = [], 0
        for one in listed:
            status, size, seconds = one.get("status"), int(one["size"]), float(one["seconds"])
            if not (status is None or type(status) is int) or not 0 <= size <= BODY_CAP or not 0 <= seconds < math.inf:
                raise ValueError
            headers = {str(key): str(value) for key, value in one.get("headers", {}).items()}
            found.append(Reply(status, headers, raw[at : at + size], seconds, str(one.get("error", ""))))
            at += size
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidOutput("the replies of the service could not be read") from error
    return found
