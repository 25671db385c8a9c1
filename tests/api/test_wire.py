"""The api behind a real uvicorn: bodies that never end, headers that lie, streams that resume, and how it stops."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.live import QUEUE, Live, Topic
from api.store import judgings
from api.store.events import Happening
from tests.api.house import V1, House
from tests.api.street import connect, everything, serving
from tests.databases import Databases
from tests.store.world import report

SLOW: dict[str, Any] = {
    "upload_min_rate": 1000,
    "upload_grace_seconds": 0.5,
    "upload_total_seconds": 3.0,
    "max_body_kb": 64,
}


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, module_databases: Databases) -> Iterator[tuple[House, int]]:
    with serving(tmp_path_factory.mktemp("slow"), database_url=module_databases.new(), **SLOW) as found:
        yield found


@pytest.fixture
def street(tmp_path: Path, databases: Databases) -> Iterator[tuple[House, int]]:
    with serving(tmp_path, database_url=databases.new(), submissions_per_minute=1_000_000) as found:
        yield found


def head(house: House, length: str, kind: str = "application/json") -> bytes:
    return (
        f"POST {V1}/submissions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.tokens['ann']}\r\n"
        f"Content-Type: {kind}\r\n{length}\r\n\r\n"
    ).encode()


def parts(answer: bytes) -> tuple[int, dict[str, Any], bytes]:
    top, _, body = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(body), top.lower()


def files_of(house: House) -> int:
    return sum(path.is_file() for path in house.context.blobs.root.rglob("*"))


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=B"])
@pytest.mark.parametrize("length", ["Content-Length: 60000", "Transfer-Encoding: chunked"])
def test_a_body_that_stops_coming(slow: tuple[House, int], length: str, kind: str) -> None:
    house, port = slow
    start = time.monotonic()
    with connect(port) as connection:
        connection.sendall(head(house, length, kind))
        if "chunked" in length:
            connection.sendall(b"1\r\n-\r\n")
        status, document, top = parts(everything(connection))
    assert (status, document["code"]) == (408, "slow_body")
    assert b"connection: close" in top
    assert 0.3 < time.monotonic() - start < 15
    assert files_of(house) == 0


@pytest.mark.fault("F19")
def test_a_body_that_trickles_for_ever_and_others_meanwhile(slow: tuple[House, int]) -> None:
    """One byte now and then; fast enough to look alive, too slow to be honest. The others are served at once."""
    house, port = slow
    ended: list[float] = []

    def trickle() -> None:
        start = time.monotonic()
        with connect(port) as connection:
            connection.sendall(head(house, "Content-Length: 60000"))
            try:
                while time.monotonic() - start < 10:
                    connection.sendall(b" ")
                    time.sleep(0.05)
            except OSError:
                ended.append(time.monotonic() - start)

    threads = [threading.Thread(target=trickle) for _ in range(40)]
    for thread in threads:
        thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=house.auth("ben")) as client:
        for _ in range(5):
            start = time.monotonic()
            answer = client.post(f"{V1}/submissions", json={"challenge": "alpha", "files": {"solution.py": "x=1"}})
            assert answer.status_code == 202
            assert time.monotonic() - start < 9
    for thread in threads:
        thread.join()
    assert len(ended) == 40
    assert max(ended) < 9


def test_a_body_that_comes_in_time_but_never_ends(slow: tuple[House, int]) -> None:
    """The size bound ends what the clock does not; what still comes is thrown away for a while, then we hang up."""
    house, port = slow
    start = time.monotonic()
    with connect(port) as connection:
        connection.sendall(head(house, "Transfer-Encoding: chunked"))
        for _ in range(100):
            connection.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
        status, document, top = parts(everything(connection))
    assert (status, document["code"]) == (413, "too_large")
    assert b"connection: close" in top
    assert time.monotonic() - start < 15


def test_a_slow_but_honest_upload_is_accepted(slow: tuple[House, int]) -> None:
    house, port = slow
    body = json.dumps({"challenge": "alpha", "files": {"solution.py": "x = 1"}}).encode()
    with connect(port) as connection:
        connection.sendall(head(house, f"Content-Length: {len(body)}\r\nConnection: close"))
        for byte in body:
            connection.sendall(bytes([byte]))
            time.sleep(0.002)
        status, document, _ = parts(everything(connection))
    assert (status, document["state"]) == (202, "queued")


def test_a_refusal_is_readable_while_the_body_still_comes(slow: tuple[House, int]) -> None:
    """An honest client that sends too much, or without a token, reads why."""
    house, port = slow
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for who, status in (("ann", 413), (None, 413)):
            answer = client.post(f"{V1}/submissions", headers=house.auth(who), content=b"x" * 5_000_000)
            assert (answer.status_code, answer.json()["code"]) == (status, "too_large")
        answer = client.post(f"{V1}/submissions", content=b"x" * 60_000)
        assert answer.json()["code"] == "unauthorized"
        again = client.post(f"{V1}/submissions", content=b"x" * 60_000)
        assert again.json()["code"] == "unauthorized"


@pytest.mark.fault("F19")
def test_an_upload_that_breaks_off_leaves_nothing(slow: tuple[House, int]) -> None:
    house, port = slow
    before = (files_of(house), len(house.get("/submissions", "ann").json()["submissions"]))
    for _ in range(5):
        with connect(port) as connection:
            connection.sendall(head(house, "Content-Length: 60000", "multipart/form-data; boundary=B") + b"--B\r\n")
    time.sleep(0.2)
    assert (files_of(house), len(house.get("/submissions", "ann").json()["submissions"])) == before


@pytest.mark.parametrize(
    "lie",
    [
        "Content-Length: -1",
        "Content-Length: 1e3",
        "Content-Length: 5, 6",
        "Content-Length: 5\r\nContent-Length: 6",
        "Transfer-Encoding: gzip, chunked, nonsense",
        "Content-Length: " + "9" * 30,
    ],
)
def test_lengths_that_lie(slow: tuple[House, int], lie: str) -> None:
    house, port = slow
    with connect(port) as connection:
        connection.sendall(head(house, lie) + b"hello")
        answer = everything(connection)
    assert answer.split()[1] in (b"400", b"413", b"501"), answer


def test_headers_have_a_bound(slow: tuple[House, int]) -> None:
    _, port = slow
    with connect(port) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 200_000)
        assert everything(connection).split()[1] == b"400"


def test_the_peer_is_who_is_connected(tmp_path: Path, databases: Databases) -> None:
    with serving(tmp_path, database_url=databases.new(), bad_tokens_per_minute=5) as (_, port):
        statuses = [
            httpx.get(
                f"http://127.0.0.1:{port}{V1}/people/me",
                headers={"Authorization": "Bearer x", "X-Forwarded-For": f"9.9.9.{number}"},
            ).status_code
            for number in range(7)
        ]
    assert statuses == [401] * 5 + [429] * 2


def test_it_does_not_tell_what_it_runs_on(slow: tuple[House, int]) -> None:
    _, port = slow
    answer = httpx.get(f"http://127.0.0.1:{port}/healthz")
    assert "server" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


# Streams


class Stream:
    """One live stream, read event by event."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self.client = httpx.Client(timeout=10)
        self.context = self.client.stream("GET", f"http://127.0.0.1:{port}{V1}{path}", headers=headers)
        self.answer = self.context.__enter__()
        self.lines = self.answer.iter_lines()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.__exit__(None, None, None)
        self.client.close()

    def next(self) -> dict[str, Any] | None:
        """The next event: its id, its kind, and its data; None at the end."""
        found: dict[str, Any] = {}
        for line in self.lines:
            if not line and found:
                return found
            name, _, value = line.partition(": ")
            if name in ("id", "event", "data"):
                found[name] = json.loads(value) if name == "data" else value
        return None

    def rest(self) -> list[dict[str, Any]]:
        found = []
        while (event := self.next()) is not None:
            found.append(event)
        return found


def states(events: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(event["data"]["state"], event["data"]["stage"]) for event in events]


WHOLE = [("queued", None), ("running", "preparing"), ("running", "scoring"), ("done", None)]


def test_a_submission_as_it_happens(street: tuple[House, int]) -> None:
    house, port = street
    sent = house.submitted("ann")
    with Stream(port, f"/submissions/{sent}/events", house.auth("ann")) as stream:
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        assert stream.answer.headers["cache-control"] == "no-cache"
        assert stream.answer.headers["x-accel-buffering"] == "no"
        first = stream.next()
        assert first is not None
        other = house.submitted("ben")
        claim = judgings.claim(house.context.store, worker="w", lease_seconds=45)
        assert claim is not None
        assert judgings.set_stage(house.context.store, claim, "scoring")
        assert judgings.commit(house.context.store, claim, report(80.0, 12.0), evidence={"nonce": "abc"})
        rest = stream.rest()
    assert states([first, *rest]) == WHOLE
    assert all(event["data"]["id"] == sent != other and event["event"] == "submission" for event in [first, *rest])
    assert rest[-1]["data"]["score"] == 80.0
    assert "12" not in json.dumps(rest)
    assert "abc" not in json.dumps(rest)


def test_a_stream_resumes_where_it_broke_off(street: tuple[House, int]) -> None:
    house, port = street
    sent = house.submitted("ann")
    path = f"/submissions/{sent}/events"
    with Stream(port, path, house.auth("ann")) as stream:
        first = stream.next()
    assert first is not None
    claim = judgings.claim(house.context.store, worker="w", lease_seconds=45)
    assert claim is not None
    with Stream(port, path, house.auth("ann") | {"Last-Event-ID": first["id"]}) as stream:
        second = stream.next()
        assert second is not None
        assert judgings.set_stage(house.context.store, claim, "scoring")
        assert judgings.commit(house.context.store, claim, report(80.0), evidence={})
        third = stream.next()
        assert third is not None
    with Stream(port, path, house.auth("ann") | {"Last-Event-ID": third["id"]}) as stream:
        rest = stream.rest()
    seen = [first, second, third, *rest]
    assert states(seen) == WHOLE
    assert len({event["id"] for event in seen}) == len(seen)
    with Stream(port, path, house.auth("ann")) as stream:
        assert stream.rest() == seen, "from the beginning it is the same story"
    headers = house.auth("ann") | {"Last-Event-ID": rest[-1]["id"]}
    assert httpx.get(f"http://127.0.0.1:{port}{V1}{path}", headers=headers).status_code == 204


def test_what_the_public_sees_of_a_board(street: tuple[House, int]) -> None:
    house, port = street
    assert house.competition("mug").status_code == 201
    house.person("cid", "mug")
    board = house.get("/leaderboards/cup").json()
    with Stream(port, f"/leaderboards/cup/events?after={board['event_id']}", {}) as stream:
        house.submitted("ann")
        house.submitted("cid")
        house.submitted("ben", "beta")
        for points in (60.0, 99.0, 50.0):
            house.judge(report(points, 7.0))
        events = [stream.next(), stream.next()]
    assert [event["data"] for event in events if event] == [
        {"competition": "cup", "challenge": "alpha", "name": "ann", "points": 60.0},
        {"competition": "cup", "challenge": "beta", "name": "ben", "points": 100.0},
    ]
    assert {event["event"] for event in events if event} == {"board"}


def test_a_result_that_changes_nothing_is_no_news(street: tuple[House, int]) -> None:
    house, port = street
    with Stream(port, "/leaderboards/cup/events?after=0", {}) as stream:
        for points in (60.0, 10.0, 61.0):
            house.submitted("ann")
            house.judge(report(points))
        events = [stream.next(), stream.next()]
    assert [event["data"]["points"] for event in events if event] == [60.0, 61.0]


def test_many_listeners_one_story(street: tuple[House, int]) -> None:
    house, port = street
    sent = [house.submitted(name) for name in ("ann", "ben")]
    got: dict[int, list[tuple[str, str | None]]] = {}

    def listen(number: int) -> None:
        who = ("ann", "ben")[number % 2]
        with Stream(port, f"/submissions/{sent[number % 2]}/events", house.auth(who)) as stream:
            got[number] = states(stream.rest())

    threads = [threading.Thread(target=listen, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    house.judge()
    house.judge()
    for thread in threads:
        thread.join(timeout=10)
    assert len(got) == 30
    assert all(story == [WHOLE[0], WHOLE[1], WHOLE[3]] for story in got.values())


def test_an_event_that_comes_twice_is_told_once(house: House) -> None:
    """What happens between listening and looking into the table is seen by both ways."""

    class Late(Live):
        def _replay(self, topic: Topic, since: int) -> list[Happening]:
            house.judge()
            time.sleep(0.2)  # the poller has seen it before the table is read
            return super()._replay(topic, since)

    sent = house.submitted("ann")

    async def listen() -> list[int]:
        live = Late(house.context.store, poll_seconds=0.01, stream_seconds=0.6, max_streams=4)
        got = [event.id async for event in live.stream(Topic(submission_id=sent), "ann", 0)]
        await live.stop()
        return got

    got = asyncio.run(listen())
    assert len(got) == len(set(got)) == 3


def test_who_does_not_keep_up_is_ended_and_can_come_back(house: House) -> None:
    sent = house.submitted("ann")

    async def listen() -> tuple[list[int], list[int]]:
        live = Live(house.context.store, poll_seconds=0.01, stream_seconds=5, max_streams=4)
        slow = live.stream(Topic(submission_id=sent), "ann", 0)
        seen = [(await anext(slow)).id]
        claim = await asyncio.to_thread(judgings.claim, house.context.store, worker="w", lease_seconds=45)
        assert claim is not None
        for _ in range(QUEUE + 10):
            await asyncio.to_thread(judgings.set_stage, house.context.store, claim, "running")
        await asyncio.sleep(0.2)
        seen += [event.id async for event in slow]
        again = live.stream(Topic(submission_id=sent), "ann", seen[-1])
        rest = [(await anext(again)).id for _ in range(QUEUE + 11 + 1 - len(seen))]
        await again.aclose()
        await live.stop()
        return seen, rest

    seen, rest = asyncio.run(listen())
    assert len(seen) + len(rest) == QUEUE + 12
    assert sorted({*seen, *rest}) == seen + rest


def test_streams_have_an_age_and_a_number(tmp_path: Path, databases: Databases) -> None:
    with serving(tmp_path, database_url=databases.new(), stream_seconds=1.0, max_streams=8) as (house, port):
        url = f"http://127.0.0.1:{port}{V1}/leaderboards/cup/events"
        first, second = Stream(port, "/leaderboards/cup/events", {}), Stream(port, "/leaderboards/cup/events", {})
        refused = httpx.get(url)
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_streams")
        sent = house.submitted("ann")
        with Stream(port, f"/submissions/{sent}/events", house.auth("ann")) as own:
            start = time.monotonic()
            assert states(own.rest()) == WHOLE[:1]
            assert time.monotonic() - start < 15
        for stream in (first, second):
            assert stream.rest() == []
            stream.__exit__()
        with Stream(port, "/leaderboards/cup/events", {}) as later:
            assert later.answer.status_code == 200


def test_a_listener_that_left_is_forgotten(street: tuple[House, int]) -> None:
    house, port = street
    for _ in range(5):
        with Stream(port, f"/submissions/{house.submitted('ann')}/events", house.auth("ann")) as stream:
            assert stream.next() is not None
    end = time.monotonic() + 10
    while house.context.live._followers:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_stops_when_told_though_somebody_listens(tmp_path: Path, databases: Databases) -> None:
    with serving(tmp_path / "free", database_url=databases.new()) as (_, port):
        pass  # the port is free again
    code = (
        "from api.serve import run; from api.settings import Settings; from pathlib import Path; "
        f"run(Settings(data=Path({str(tmp_path / 'data')!r}), port={port}, database_url={databases.new()!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.getcwd()})  # noqa: PTH109
    try:
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 60
        while True:
            try:
                assert httpx.get(url + "/readyz").json()["ready"]
                break
            except httpx.ConnectError:
                assert process.poll() is None, "it ended by itself"
                assert time.monotonic() < end
                time.sleep(0.1)
        token_file = tmp_path / "data" / "admin-token"
        assert token_file.stat().st_mode & 0o777 == 0o600
        headers = {"Authorization": f"Bearer {token_file.read_text().strip()}"}
        assert httpx.get(f"{url}{V1}/people/me", headers=headers).json()["role"] == "admin"
        slug = httpx.get(f"{url}{V1}/challenges").json()[0]["slug"]
        body = {"slug": "cup", "title": "Cup", "challenges": [{"slug": slug}]}
        assert httpx.post(f"{url}{V1}/competitions", headers=headers, json=body).status_code == 201
        with Stream(port, "/leaderboards/cup/events", {}) as stream:
            assert stream.answer.status_code == 200
            start = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert stream.rest() == []
            process.wait(timeout=10)
        assert time.monotonic() - start < 15
    finally:
        process.kill()
        process.wait()
