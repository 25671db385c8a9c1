"""Behind a reverse proxy: whose word counts, cookies over TLS, sizes, and attack H9 (slow and ambiguous requests)."""

from __future__ import annotations

import re
import socket
import threading
import time

import pytest

from api.pages.visitor import SECURE_COOKIE
from tests.api.house import GOOD
from tests.proxy.conftest import NAME, Front, everything, get, status

SLOW = 60


def form(path: str, body: str, *headers: str) -> str:
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {NAME}",
        "Connection: close",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def upload(front: Front, content: bytes) -> bytes:
    """A submission of ann's as bytes for the wire."""
    edge = "edge"
    parts = (
        f'--{edge}\r\nContent-Disposition: form-data; name="challenge"\r\n\r\nalpha\r\n'
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="solution.py"\r\n\r\n'
    )
    body = parts.encode() + content + f"\r\n--{edge}--\r\n".encode()
    head = (
        f"POST /api/v1/submissions HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n"
        f"Authorization: Bearer {front.house.tokens['ann']}\r\n"
        f"Content-Type: multipart/form-data; boundary={edge}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def test_plain_http_is_sent_to_tls(front: Front) -> None:
    with socket.create_connection(("127.0.0.1", front.plain), 10) as connection:
        connection.sendall(get("/challenges/alpha").encode())
        answer = everything(connection)
    assert status(answer) == 301
    assert f"Location: https://{NAME}/challenges/alpha".encode() in answer


def test_who_signs_in_over_tls_gets_a_cookie_that_never_goes_without(front: Front) -> None:
    token = front.house.tokens["ann"]
    origin = f"Origin: https://{NAME}"
    answer = front.ask(form("/sign-in", f"token={token}", origin))
    assert status(answer) == 303
    cookie = re.search(rb"set-cookie: ([^;]+); (.*)\r\n", answer, re.IGNORECASE)
    assert cookie
    assert cookie[1].startswith(f"{SECURE_COOKIE}=".encode())
    assert b"Secure" in cookie[2]
    assert b"Strict-Transport-Security: max-age" in answer
    account = front.ask(get("/account", f"Cookie: {cookie[1].decode()}"))
    assert status(account) == 200
    assert status(front.ask(form("/sign-in", f"token={token}", f"Origin: http://{NAME}"))) == 403  # http is another


def test_the_judge_sees_who_asks_and_not_what_they_say(front: Front) -> None:
    claims = ("X-Forwarded-For: 198.51.100.9", "X-Forwarded-For: 127.0.0.1, 198.51.100.9", "X-Real-IP: 198.51.100.9")
    for claim in (*claims, "Forwarded: for=198.51.100.9;proto=http", "X-Forwarded-Proto: http"):
        front.seen.requests.clear()
        assert status(front.ask(get("/healthz", claim), source="127.0.0.77")) == 200
        assert front.seen.requests == [("/healthz", "127.0.0.77", "https")]


def test_who_is_no_proxy_is_not_believed(front: Front) -> None:
    """The same headers past nginx: from the proxy's address they count, from any other they do not."""
    said = get("/healthz", "X-Forwarded-For: 198.51.100.9", "X-Forwarded-Proto: https").encode()
    for source, seen in (("127.0.0.1", ("198.51.100.9", "https")), ("127.0.0.78", ("127.0.0.78", "http"))):
        front.seen.requests.clear()
        with socket.create_connection(("127.0.0.1", front.behind), 10, (source, 0)) as connection:
            connection.sendall(said)
            assert status(everything(connection)) == 200
        assert front.seen.requests == [("/healthz", *seen)]


def test_each_address_has_its_own_count_and_no_header_gives_another(front: Front) -> None:
    def guess(source: str, claim: str) -> int:
        wrong = get("/api/v1/people/me", f"Authorization: Bearer assay_{'A' * 43}", f"X-Forwarded-For: {claim}")
        return status(front.ask(wrong, source=source))

    assert [guess("127.0.0.81", f"198.51.100.{n}") for n in range(7)] == [401] * 5 + [429] * 2
    assert guess("127.0.0.82", "127.0.0.81") == 401


def test_sizes(front: Front) -> None:
    """Up to the judge's limit all goes through; what is larger the judge refuses in its own words, or nginx at once."""
    assert status(front.ask(upload(front, GOOD))) == 202
    front.seen.requests.clear()
    own = front.ask(upload(front, b"#" * (8 * 1024 * 1024 + 1)))
    assert (status(own), b'"code":"too_large"' in own) == (413, True)
    assert front.seen.paths == ["/api/v1/submissions"]
    front.seen.requests.clear()
    assert status(front.ask(upload(front, b"#" * (10 * 1024 * 1024)))) == 413
    assert front.seen.paths == []
    assert status(front.ask(get("/healthz", "X-Long: " + "x" * 9000))) == 400


def test_slow_headers_are_cut_off_and_others_are_served_meanwhile(front: Front) -> None:
    """Slowloris: many connections that never finish their header."""
    front.seen.requests.clear()
    slow = [front.connect("127.0.0.90") for _ in range(SLOW)]
    try:
        for connection in slow:
            connection.sendall(f"GET /slow HTTP/1.1\r\nHost: {NAME}\r\nX-A: ".encode())
        assert status(front.ask(get("/healthz"), source="127.0.0.91")) == 200
        end = time.monotonic() + 60
        still = set(slow)
        while still and time.monotonic() < end:
            for connection in list(still):
                if _is_closed(connection):
                    still.discard(connection)
        assert not still, f"{len(still)} of {SLOW} still hold a connection"
    finally:
        for connection in slow:
            connection.close()
    assert "/slow" not in front.seen.paths
    with front.connect() as steady:  # who finishes in time is served
        steady.sendall(f"GET /healthz HTTP/1.1\r\nHost: {NAME}\r\nX-A: ".encode())
        time.sleep(0.5)
        steady.sendall(b"b\r\nConnection: close\r\n\r\n")
        assert status(everything(steady)) == 200


def _is_closed(connection: socket.socket) -> bool:
    """Sends one more byte of the header; whether the other side has had enough."""
    connection.settimeout(0.05)
    try:
        connection.sendall(b"a")
        return connection.recv(1024) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_body_that_never_ends_is_cut_off_by_the_judges_own_pace(front: Front) -> None:
    begun, _, _ = upload(front, GOOD).partition(GOOD)
    begun = re.sub(rb"Content-Length: \d+", b"Content-Length: 4000000", begun)
    answers: list[bytes] = []

    def drip() -> None:
        with front.connect("127.0.0.92", timeout=60) as connection:
            connection.sendall(begun)
            connection.settimeout(0.2)
            end = time.monotonic() + 60
            while time.monotonic() < end:
                try:
                    connection.sendall(b"x")
                    answers.append(connection.recv(65536))
                    return
                except TimeoutError:
                    continue
                except OSError:
                    answers.append(b"")
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    assert status(front.ask(get("/healthz"), source="127.0.0.93")) == 200
    thread.join(70)
    assert answers, "the connection was still held after a minute"
    assert answers[0] == b"" or (status(answers[0]), b"slow_body" in answers[0]) == (408, True)


HIDDEN = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
AMBIGUOUS = {
    "both lengths": "Content-Length: {n}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both lengths, the other way": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": "Content-Length: 0\r\nContent-Length: {n}\r\n\r\n",
    "a list of lengths": "Content-Length: 0, {n}\r\n\r\n",
    "a signed length": "Content-Length: +0\r\n\r\n",
    "a length with a space": "Content-Length : 0\r\n\r\n",
    "a folded coding": "Transfer-Encoding:\r\n chunked\r\nContent-Length: {n}\r\n\r\n0\r\n\r\n",
    "a coding of another name": "Transfer-Encoding: xchunked\r\nContent-Length: {n}\r\n\r\n0\r\n\r\n",
    "a coding with a tab": "Transfer-Encoding:\tchunked\r\nContent-Length: {n}\r\n\r\n0\r\n\r\n",
    "two codings": "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk ended by a line feed": "Transfer-Encoding: chunked\r\n\r\n0\n\n",
    "an extension with a line feed": "Transfer-Encoding: chunked\r\n\r\n0;a\nb\r\n\r\n",
    "a chunk without its end": "Transfer-Encoding: chunked\r\n\r\n1\r\nZ0\r\n\r\n",
    "a length of two numbers": "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "a trailer": "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: {n}\r\n\r\n",
}


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_nginx_and_the_judge_read_every_request_alike(front: Front, kind: str) -> None:
    """Request smuggling: whatever nginx takes for one request is one to the judge, and what follows it is the next
    request of the same client, with that client's address, or nothing at all.
    """
    front.seen.requests.clear()
    ambiguous = AMBIGUOUS[kind].format(n=len(HIDDEN))
    first = f"POST /first HTTP/1.1\r\nHost: {NAME}\r\n{ambiguous}"
    answer = front.ask(first + HIDDEN + get("/last"), source="127.0.0.94", timeout=5)
    answered = len(re.findall(rb"HTTP/1\.1 \d{3} ", answer))
    assert len(front.seen.requests) <= answered, "the judge saw a request that nginx did not answer for"
    assert {source for _, source, _ in front.seen.requests} <= {"127.0.0.94"}
    # Nobody else's connection is left with a piece of it.
    for _ in range(3):
        before = len(front.seen.requests)
        assert b'"status":"ok"' in front.ask(get("/healthz"), source="127.0.0.95")
        assert front.seen.requests[before:] == [("/healthz", "127.0.0.95", "https")]


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_the_judge_alone_answers_for_every_request_it_sees(front: Front, kind: str) -> None:
    """Without nginx: either it is one request and the rest the next, or it is refused and the connection ends."""
    front.seen.requests.clear()
    ambiguous = AMBIGUOUS[kind].format(n=len(HIDDEN))
    with socket.create_connection(("127.0.0.1", front.behind), 10) as connection:
        connection.sendall((f"POST /first HTTP/1.1\r\nHost: {NAME}\r\n{ambiguous}" + HIDDEN + get("/last")).encode())
        answer = everything(connection)
    statuses = [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
    assert statuses
    assert len(front.seen.requests) <= len(statuses)


def test_a_second_request_on_the_same_connection_is_one(front: Front) -> None:
    """The control of the tests above: an honest pipeline arrives as two requests."""
    front.seen.requests.clear()
    answer = front.ask(get("/healthz", close=False) + get("/readyz"), source="127.0.0.96")
    assert len(re.findall(rb"HTTP/1\.1 200 ", answer)) == 2
    assert front.seen.requests == [("/healthz", "127.0.0.96", "https"), ("/readyz", "127.0.0.96", "https")]
