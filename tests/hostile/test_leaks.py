"""No hidden string of this run is anywhere a participant can look, whatever submissions did to get it out there."""

from __future__ import annotations

import base64
import builtins
import hashlib
import io
import itertools
import json
import math
import re
import secrets
import signal
import socket
import subprocess
import sys
import urllib.parse
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from api.app import create_app
from api.blobs import Blobs, unpack
from api.feedback import significant
from api.pages.visitor import PLAIN_COOKIE
from api.settings import Settings
from api.store import builds, people, sessions
from api.store.tables import Scope
from challenges.report import Verdict
from sandbox.types import Limits
from tests.hostile.arena import CHALLENGES, Arena, programs
from tests.installation import Installation, environment, wait_for
from worker.prepare import SEED_EPOCH, challenge_seed, read_secret

PROGRAMS = programs()
LEAKY = [name for name, one in PROGRAMS.items() if one.id in ("D3", "D4")]
PLAIN = "cnry_a_" + hashlib.sha256(b"one").hexdigest()[:16]
"""Stands in the public data, which every participant may download."""
V1 = "/api/v1"


def free_port() -> int:
    """A port of the loopback that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class Town:
    """An installation with an api and a worker as real processes, and participants ann (hostile) and ben."""

    at: Installation
    url: str
    tokens: Mapping[str, str]
    cookies: Mapping[str, str]
    ports: tuple[int, int]
    submitted: dict[str, str] = field(default_factory=dict)
    """Ids by the name of what was submitted."""

    def post(self, person: str, name: str, files: Mapping[str, bytes], challenge: str) -> str:
        """Hand in over REST."""
        parts = [("file", (path, data)) for path, data in files.items()]
        answer = httpx.post(
            f"{self.url}{V1}/submissions",
            headers={"Authorization": f"Bearer {self.tokens[person]}"},
            data={"challenge": challenge},
            files=parts,
        )
        assert answer.status_code == 202, answer.text
        self.submitted[name] = answer.json()["id"]
        return self.submitted[name]

    def get(self, path: str, who: str | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return httpx.get(self.url + path, headers=headers, timeout=20)

    def shown(self, name: str) -> dict[str, Any]:
        """What ann is told of one of her submissions."""
        answer = self.get(f"{V1}/submissions/{self.submitted[name]}", "ann")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def board(self) -> Any:
        """The leaderboard's order and scores."""
        rows = self.get(f"{V1}/leaderboards/toys", "ann").json()["rows"]
        return [(row["rank"], row["name"], row["points"]) for row in rows]


@pytest.fixture(scope="module")
def secret_of_ben() -> str:
    return f"cnry_o_{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, secret_of_ben: str) -> Iterator[Town]:
    """Everything hostile of ann's has been judged, and something honest of both."""
    ports = (free_port(), free_port())
    at = Installation(
        tmp_path_factory.mktemp("town") / "data",
        base=CHALLENGES,
        names=("ann", "ben"),
        port=free_port(),
        api_metrics_port=ports[0],
        worker_metrics_port=ports[1],
        live_poll_seconds=0.05,
        stream_seconds=0.1,
        submissions_per_minute=100_000,
        requests_per_minute=100_000,
        anonymous_per_minute=100_000,
        bad_tokens_per_minute=100_000,
    )
    tokens, cookies = {}, {}
    for name, id in at.people.items():
        _, tokens[name] = people.create_token(at.store, id, "test", [Scope.read, Scope.submit], by=1)
        cookies[name] = sessions.begin(at.store, id, seconds=3600)
    found = Town(at, f"http://127.0.0.1:{at.settings.port}", tokens, cookies, ports)
    with serving(at.settings), at.worker():
        wait_for(lambda: answers(found.url + "/healthz"), "the api")
        for name, person in (("honest", "ann"), ("secret", "ben")):
            code = f"# {secret_of_ben}\nimport hashlib\n" if person == "ben" else "import hashlib\n"
            code += "def answer(word): return 'cnry_a_' + hashlib.sha256(word.encode()).hexdigest()[:16]\n"
            at.wait(found.post(person, name, {"solution.py": code.encode()}, "words-call"), 90)
        for name in LEAKY:
            files = PROGRAMS[name].submitted({})
            files[PROGRAMS[name].challenge.submit] += f"\n# {PLAIN}\n".encode()
            found.post("ann", name, files, PROGRAMS[name].challenge.slug)
        for name in LEAKY:
            assert at.wait(found.submitted[name], 120) in PROGRAMS[name].verdicts, name
        yield found
    at.store.close()


def answers(url: str) -> bool:
    """Whether somebody is there."""
    with suppress(httpx.TransportError):
        return httpx.get(url).status_code < 500
    return False


@pytest.fixture(scope="module")
def hidden(town: Town, secret_of_ben: str) -> set[bytes]:
    """Every string that nobody may see: questions, answers, seeds, the secret, and what ben wrote; in many spellings."""
    secret = read_secret(town.at.settings.secret_file)
    words = {secret_of_ben}
    for challenge in CHALLENGES.values():
        build = wait_for(
            partial(builds.find, town.at.store, challenge.slug, challenge.version, SEED_EPOCH), "its data", 90
        )
        assert build is not None
        for data in unpack(Blobs(town.at.settings.hidden_dir).get(build.hidden_digest)).values():
            words.update(re.findall(r"cnry_[aq]_[0-9a-f]{16}", data.decode("latin-1")))
    assert len(words) >= 24
    raw = [secret, *(challenge_seed(secret, slug) for slug in CHALLENGES)]
    return {needle for one in (*map(str.encode, words), *raw) for needle in spellings(one)}


def spellings(secret: bytes) -> set[bytes]:
    """A secret as it is, in hexadecimal, in base64 wherever it stands in a text, and in an address."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode(), urllib.parse.quote(secret).encode()}
    for before in range(3):
        text = base64.b64encode(bytes(before) + secret)
        found.add(text[(0, 2, 3)[before] : len(text) - 4])
    return found


@pytest.fixture(scope="module")
def crawled(town: Town) -> dict[str, bytes]:
    """Everything a participant, and anybody without a token, can get: by what was asked."""
    crawl = Crawl(town)
    crawl.everything()
    return crawl.found


class Crawl:
    """Asks every route with everything that is known, as ann by token and by cookie and as nobody."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.found: dict[str, bytes] = {}
        self.routes: set[tuple[str, str]] = set()
        self.callers: dict[str, dict[str, Any]] = {
            "nobody": {},
            "token": {"headers": {"Authorization": f"Bearer {town.tokens['ann']}"}},
            "cookie": {"cookies": {PLAIN_COOKIE: town.cookies["ann"]}},
        }

    def everything(self) -> None:
        settings = self.town.at.settings
        app = create_app(Settings(data=settings.data.parent / "unused", challenges=settings.challenges))
        document = app.openapi()
        self.routes = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
        pages = {
            (method, str(getattr(route, "path", "")))
            for route in iter_route_contexts(app.routes)
            for method in getattr(route, "methods", None) or {"GET"}
        }
        assert len(self.routes) > 20
        assert self.routes <= pages
        self.routes |= pages - {("HEAD", path) for _, path in pages}
        with httpx.Client(base_url=self.town.url, timeout=20) as client:
            for caller, how in self.callers.items():
                for method, path in sorted(self.routes, key=lambda route: (route[0] != "GET", route)):
                    for filled in self.fillings(path):
                        self.ask(client, caller, method, filled, how)
                self.follow_links(client, caller, how)
            for port in self.town.ports:
                self.found[f"metrics {port}"] = httpx.get(f"http://127.0.0.1:{port}/metrics").content

    def fillings(self, path: str) -> Iterator[str]:
        """A route with every id that is known in place of its parameters."""
        ids = list(self.town.submitted.values())
        known: dict[str, list[str]] = {
            "submission_id": ids,
            "competition": ["toys"],
            "slug": [*CHALLENGES, "toys", "toy-call"],
            "challenge": list(CHALLENGES),
            "name": [
                "solution.py",
                "Dockerfile",
                "app.py",
                "examples.txt",
                "questions.txt",
                "answers.txt",
                "grader.py",
            ],
            "person_id": ["1", "2", "3"],
            "token_id": ["1"],
            "path": ["questions.txt", "../hidden/questions.txt", "grader.py"],
        }
        names = re.findall(r"\{(\w+)[^}]*\}", path)
        other = ["1", "toys", "ann", "ben"]
        for values in itertools.product(*(known.get(name, other) for name in names)):
            filled = path
            for name, value in zip(names, values, strict=True):
                filled = re.sub(r"\{" + name + r"[^}]*\}", urllib.parse.quote(value), filled)
            yield filled

    def ask(self, client: httpx.Client, caller: str, method: str, path: str, how: dict[str, Any]) -> None:
        body = b""
        more: dict[str, Any] = {"json": {}} if method in ("POST", "PUT", "PATCH") else {}
        headers = {"Last-Event-ID": "0"} | how.get("headers", {})
        cookies = "; ".join(f"{name}={value}" for name, value in how.get("cookies", {}).items())
        headers |= {"Cookie": cookies} if cookies else {}
        with client.stream(method, path, headers=headers, **more) as answer:
            kept = f"{answer.status_code} {dict(answer.headers)}".encode()
            for part in answer.iter_bytes():  # a stream too: this api ends each after a moment
                body += part
        self.found[f"{caller} {method} {path}"] = kept + opened(body)

    def follow_links(self, client: httpx.Client, caller: str, how: dict[str, Any]) -> None:
        """Whatever the pages point at, too."""
        seen = {key.split(" ", 2)[2] for key in self.found if key.startswith(caller + " GET")}
        links = {
            urllib.parse.urlsplit(link).path
            for body in list(self.found.values())
            for link in re.findall(r'(?:href|src|hx-get|sse-connect)="(/[^"#]*)"', body.decode("utf-8", "replace"))
        }
        for link in sorted(links - seen):
            if not link.endswith(("/live", "/events")):
                self.ask(client, caller, "GET", link, how)


def opened(body: bytes) -> bytes:
    """An answer, and the files in it if it is an archive."""
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return body + b"\n".join(name.encode() + archive.read(name) for name in archive.namelist())
    return body


def serving(settings: Settings) -> Any:
    """The api as a process of its own; its log goes to the data folder."""
    return _Process(settings)


class _Process:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        code = "from api.settings import Settings; from api.serve import run; run(Settings())"
        with (self._settings.data / "api.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code], env=environment(self._settings), stdout=log, stderr=subprocess.STDOUT
            )

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)


def where(hidden: set[bytes], found: Mapping[str, bytes]) -> dict[str, list[bytes]]:
    """What stands where it must not."""
    return {key: here for key, body in found.items() if (here := [one for one in hidden if one in body])}


def test_d3_d5_nothing_hidden_is_in_any_answer(hidden: set[bytes], crawled: dict[str, bytes]) -> None:
    assert where(hidden, crawled) == {}


def test_d5_the_crawl_would_have_found_it(town: Town, crawled: dict[str, bytes]) -> None:
    """The controls: what is public is found, packed and spelt otherwise too, and what is ann's own is found."""
    found = where({PLAIN.encode()}, crawled)
    own = {key for key in found if town.submitted["d3-prints"] in key}
    assert {key.split(" ")[0] for key in own} == {"token", "cookie"}, "her own source, by the api and on a page"
    assert any("words-call" in key and "submissions" not in key for key in found), "the public data, out of an archive"
    assert all(any(town.submitted[name] in key for key in found) for name in LEAKY)
    planted = {f"{n}": b"%dx" % n + base64.b64encode(b"x" * n + PLAIN.encode() + b"yz") for n in range(3)}
    planted |= {"hex": PLAIN.encode().hex().upper().encode()}
    assert set(where(spellings(PLAIN.encode()), planted)) == set(planted), "in every spelling"


def test_d5_others_things_and_what_only_a_worker_has_are_refused(town: Town, crawled: dict[str, bytes]) -> None:
    status = {key: int(body[:3]) for key, body in crawled.items() if not key.startswith("metrics")}
    of_ben = {key: code for key, code in status.items() if town.submitted["secret"] in key}
    assert of_ben
    assert {code for key, code in of_ben.items() if key.startswith(f"token GET {V1}")} == {404}
    assert {code for key, code in of_ben.items() if key.startswith("cookie GET /submissions")} == {404}
    assert all(code in (401, 404, 405, 422, 303, 403) for code in of_ben.values()), of_ben
    assert 500 not in status.values(), {key for key, code in status.items() if code == 500}
    assert any(code == 200 for code in status.values())
    for name in ("questions.txt", "answers.txt", "grader.py"):
        assert {code for key, code in status.items() if key.endswith(f"/{name}")} <= {401, 404, 405, 403}, name
    assert not any(b"Traceback" in body for body in crawled.values())


def test_d3_logs_hold_nothing_hidden_either(town: Town, hidden: set[bytes]) -> None:
    logs = {name: (town.at.settings.data / f"{name}.log").read_bytes() for name in ("api", "worker")}
    assert where(hidden, logs) == {}
    for name in ("d3-prints", "d3-exception"):
        assert town.submitted[name].encode() in logs["worker"], "the control: its judging is told of"
    assert b"submission" in logs["api"]


# -- D4: what is left is of the declared precision, and how much that is

CLASSES = sum(isinstance(one, type) and issubclass(one, BaseException) for one in vars(builtins).values())
MESSAGES = re.compile(
    r"|A compulsory check failed\.|The score is below the pass mark of 70\."
    r"|[A-Z][A-Za-z]+ was raised( at line [0-9]{1,6})?\.|The program ended before it had answered everything\."
    r"|Not done within [0-9.]+ s (of cpu time|on the clock)\.|More than [0-9]+ [KM]B [a-z ]+\."
    r"|The answers could not be read: [a-z' ]+\.|[a-z]+\.(json|npy|txt) (is|holds|was) [a-zA-Z8. -]+"
    r"|the (function|returned array) [a-z0-9 ]+|[a-z]+ returned something unreadable: [a-zA-Z ]+"
    r"|The function returned something that is not plain data\."
)


def test_d4_only_declared_precision_is_shown(town: Town) -> None:
    for name in ["honest", *LEAKY]:
        told = town.shown(name)
        for value in told["resources"].values():
            assert value == significant(value, 2)
        assert told["score"] is None or told["score"] == round(told["score"], 2)
        assert told["points"] is None or told["points"] == round(told["points"], 2)
        assert told["metric"] is None
        assert {check["value"] for check in told["checks"]} <= {None}
        assert told["build_log"] is None
        assert MESSAGES.fullmatch(told["message"]), told["message"]
    assert town.shown("d3-exception")["message"] == "ValueError was raised at line 6."


def values_at_two_digits(low: float, high: float) -> int:
    """How many different values from `low` to `high` are shown at two significant digits."""
    digits = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    shown = {significant(n * 10.0 ** (e - 1), 2) for e in digits for n in range(10, 100)}
    return sum(low <= one <= high for one in shown)


def bits(limits: Limits, *, lines: int) -> dict[str, float]:
    """The most bits that one verdict can carry, by what carries them."""
    return {
        "score or exception": math.log2(100 * 100 + 1 + CLASSES * lines + len(Verdict)),
        "cpu": math.log2(values_at_two_digits(0.01, limits.cpu_seconds)),
        "wall": math.log2(values_at_two_digits(0.01, limits.wall_seconds)),
        "memory": math.log2(values_at_two_digits(10, limits.memory_mb)),
    }


def test_d4_the_most_that_a_verdict_can_carry() -> None:
    usual = bits(Limits.of(cpu_seconds=10, memory_mb=512), lines=1000)
    assert sum(usual.values()) < 42, usual
    assert sum(bits(Limits.of(cpu_seconds=10, memory_mb=512), lines=256 * 1024).values()) < 50


def test_d4_what_can_really_be_decoded(arena: Arena, record_property: Any) -> None:
    """Programs that spend by numbers of their choice; a reader who knows them gets back no more than the digits hold."""
    program = """
import os, time
MEMORY, CPU, WALL = {memory}, {cpu}, {wall}
kept = bytearray(MEMORY << 20)
kept[::4096] = b"x" * len(kept[::4096])
end = time.process_time() + CPU / 100
while time.process_time() < end: pass
time.sleep(WALL / 100)
def answer(word): return "no"
"""
    sent, got = [], []
    for n in range(5):
        levels = (8 + 5 * secrets.randbelow(16), 10 + 5 * secrets.randbelow(8), 10 + 10 * secrets.randbelow(8))
        source = program.format(memory=levels[0], cpu=levels[1], wall=levels[2])
        seen = arena.judge_files(CHALLENGES["words-call"], {"solution.py": f"# {n}{source}".encode()})
        used = seen.report.resources
        assert used is not None
        sent.append(levels)
        got.append(tuple(significant(x, 2) for x in (used.peak_memory_mb, used.cpu_seconds, used.wall_seconds)))
    right = {}
    for n, (name, unit, step) in enumerate((("memory", 1.0, 5), ("cpu", 0.01, 5), ("wall", 0.01, 10))):
        own = [
            (levels[n] + (levels[1] if name == "wall" else 0), shown[n] / unit)
            for levels, shown in zip(sent, got, strict=True)
        ]
        base = min(shown - level for level, shown in own)
        right[name] = sum(abs(shown - level - base) < step / 2 for level, shown in own)
    record_property("decoded of 5", json.dumps(right))
    print(f"decoded of 5: {right}")
    assert right["memory"] >= 3, "the control: this channel is there, and counted above"
    most = bits(CHALLENGES["words-call"].limits, lines=12)
    assert 4 <= most["memory"] < 7.5
    assert 3 <= most["cpu"] < 8


# -- E10: what is no number changes no board


def test_e10_what_is_no_number_leaves_the_board_as_it_is(town: Town) -> None:
    before = town.board()
    assert [name for _, name, points in before if points] == ["ann", "ben"]
    odd = [name for name, one in PROGRAMS.items() if one.id == "E10" and "wrong_answer" not in one.verdicts][::2]
    for name in odd:
        town.post("ben", name, PROGRAMS[name].submitted({}), PROGRAMS[name].challenge.slug)
    for name in odd:
        assert town.at.wait(town.submitted[name], 120) in PROGRAMS[name].verdicts, name
    after = town.board()
    assert [name for _, name, _ in after] == [name for _, name, _ in before]
    assert all(points is None or math.isfinite(points) for _, _, points in after)
