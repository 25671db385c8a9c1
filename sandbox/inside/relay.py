"""Carries HTTP requests to a service that shares this box's network; knows no purpose and believes no answer.

Every request has a deadline and a cap. Redirects are not followed and nothing is decompressed.
"""

from __future__ import annotations

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse
from socket import create_connection, socket
from typing import Any

from sandbox.inside import frames
from sandbox.inside.channel import Channel
from sandbox.inside.frames import Frame

HOST = "127.0.0.1"
HEAD_CAP = 16 * 1024
"""Bytes of status line and headers; what chunked encoding adds to a body comes out of it too."""
PROBE_SECONDS = 2.0
PROBE_EVERY = 0.05
LISTENS = "0A"
"""The state of a listening socket in /proc/net/tcp."""


class TooLarge(Exception):
    """The answer is longer than it may be."""


class Bounded(io.RawIOBase):
    """A socket's bytes up to a number and a moment. Raises TooLarge, TimeoutError."""

    def __init__(self, sock: socket, most: int, deadline: float) -> None:
        self._sock = sock
        self._left = most
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer) as view:
            data = receive(self._sock, min(len(view), 1 << 16), self._deadline)
            self._left -= len(data)
            if self._left < 0:
                raise TooLarge
            view[: len(data)] = data
        return len(data)


class _Readable:
    """What HTTPResponse wants of a socket."""

    def __init__(self, raw: Bounded) -> None:
        self._raw = raw

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(self._raw)


def remaining(deadline: float) -> float:
    """Seconds until then. Raises TimeoutError."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def receive(sock: socket, size: int, deadline: float) -> bytes:
    """Some bytes, none at the end. Raises TimeoutError, OSError."""
    sock.settimeout(remaining(deadline))
    return sock.recv(size)


def exchange(port: int, asked: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """One request and what became of it: {status, headers, seconds} with the body, or {error, seconds} without."""
    begin = time.monotonic()
    deadline = begin + asked["seconds"]
    found: dict[str, Any] = {}
    content = b""
    try:
        with create_connection((HOST, port), remaining(deadline)) as sock:
            late: OSError | None = None
            try:
                sock.settimeout(remaining(deadline))
                sock.sendall(request(port, asked, body))
            except ConnectionError as error:
                late = error  # it may have answered before it had read all
            raw = Bounded(sock, asked["cap"] + HEAD_CAP, deadline)
            answer = HTTPResponse(_Readable(raw), method=asked["method"])  # type: ignore[arg-type]
            try:
                answer.begin()
                # Not every Python 3.11 reads piece by piece: some hold as much as is announced before they read.
                if (answer.length or 0) > asked["cap"]:
                    raise TooLarge
                content = answer.read(asked["cap"] + 1 if answer.chunked else None)
            except ConnectionError as error:
                raise late or error from None
            if len(content) > asked["cap"]:
                raise TooLarge
            headers: dict[str, str] = {}
            for name, value in answer.getheaders():
                key = name.lower()
                headers[key] = f"{headers[key]}, {value}" if key in headers else value
            found = {"status": answer.status, "headers": headers}
    except TimeoutError:
        found = {"error": "timeout"}
    except ConnectionRefusedError:
        found = {"error": "refused"}
    except TooLarge:
        found = {"error": "too_large"}
    except (HTTPException, ValueError):
        found = {"error": "malformed"}
    except OSError:
        found = {"error": "reset"}
    if "error" in found:
        content = b""
    return found | {"seconds": time.monotonic() - begin, "size": len(content)}, content


def request(port: int, asked: dict[str, Any], body: bytes) -> bytes:
    """The bytes of a request; the connection is for it alone."""
    headers = {"Host": f"{HOST}:{port}", "Accept": "*/*", "Connection": "close", **asked["headers"]}
    if body or asked["method"] not in ("GET", "HEAD"):
        headers["Content-Length"] = str(len(body))
    lines = [f"{asked['method']} {asked['path']} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def send(told: dict[str, Any], raw: bytes) -> tuple[dict[str, Any], bytes]:
    """All requests, so many at once; the answers in the order of the requests, their bodies one behind the other."""
    bodies, at = [], 0
    for one in told["requests"]:
        bodies.append(raw[at : at + one["size"]])
        at += one["size"]
    with ThreadPoolExecutor(told["parallel"]) as pool:
        done = list(pool.map(lambda one, body: exchange(told["port"], one, body), told["requests"], bodies))
    return {"replies": [head for head, _ in done]}, b"".join(content for _, content in done)


def ready(told: dict[str, Any]) -> dict[str, bool]:
    """Ask for a path until it answers 200 or the time is over.

    `elsewhere` says that nothing took the connection although something listens: another port, or another address.
    """
    end = time.monotonic() + told["seconds"]
    asked = {"method": "GET", "path": told["path"], "headers": {}, "cap": HEAD_CAP}
    while True:
        left = end - time.monotonic()
        head, _ = exchange(told["port"], asked | {"seconds": max(0.05, min(PROBE_SECONDS, left))}, b"")
        if head.get("status") == 200:
            return {"ready": True, "elsewhere": False}
        if time.monotonic() + PROBE_EVERY >= end:
            return {"ready": False, "elsewhere": head.get("error") == "refused" and listens()}
        time.sleep(PROBE_EVERY)


def listens() -> bool:
    """Whether any socket of this network listens."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as file:
            if any(line.split()[3] == LISTENS for line in file.readlines()[1:]):
                return True
    return False


def main(sock: socket) -> None:
    """Serve questions until the channel closes."""
    channel = Channel(sock)
    while True:
        try:
            question = channel.read()
        except EOFError:
            return
        told = json.loads(question.json)
        if question.kind == frames.READY:
            found, raw = ready(told), b""
        else:
            found, raw = send(told, question.raw)
        channel.write(Frame(frames.VALUE, question.id, json.dumps(found).encode(), raw))
