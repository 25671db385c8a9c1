"""What is not a submission: each fault has its own clear refusal, and nothing is half stored."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from api import jsonbody
from api.errors import Problem
from api.store import competitions
from api.store.tables import Submission
from tests.api.house import GOOD, V1, House, built, refused
from tests.databases import Databases


def stored(house: House) -> tuple[int, list[Path]]:
    """What is kept: submissions, and files in the blob store (half-written ones too)."""
    with house.context.store.read() as session:
        rows = len(session.exec(select(Submission)).all())
    return rows, sorted(path for path in house.context.blobs.root.rglob("*") if path.is_file())


def file(name: str, content: bytes = GOOD) -> dict[str, Any]:
    return {"files": {"file": (name, content)}}


def raw(content_type: str | None, body: bytes) -> Callable[[House], Response]:
    headers = {} if content_type is None else {"Content-Type": content_type}
    return lambda house: house.post("/submissions", "ann", content=body, headers=headers)


def json_(value: Any) -> Callable[[House], Response]:
    return lambda house: house.post("/submissions", "ann", json=value)


def form(**arguments: Any) -> Callable[[House], Response]:
    return lambda house: house.submit("ann", **arguments)


def multipart(*parts: bytes, end: bytes = b"--B--\r\n") -> Callable[[House], Response]:
    body = b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + end
    return raw("multipart/form-data; boundary=B", body)


CHALLENGE = b'Content-Disposition: form-data; name="challenge"\r\n\r\nalpha'
FILE = b'Content-Disposition: form-data; name="file"; filename="solution.py"\r\n\r\nx = 1'
JSON = "application/json"
FILES = {"solution.py": "x = 1"}

CASES: dict[str, tuple[int, str, Callable[[House], Response]]] = {
    "unknown challenge (form)": (404, "unknown_challenge", form(slug="nope")),
    "unknown challenge (json)": (404, "unknown_challenge", json_({"challenge": "nope", "files": FILES})),
    "unknown competition": (404, "unknown_competition", form(data={"competition": "nope"})),
    "too large for the challenge (form)": (413, "too_large", form(content=b"x" * (16 * 1024 + 1))),
    "too large for the challenge (json)": (
        413, "too_large", json_({"challenge": "alpha", "files": {"solution.py": "x" * (16 * 1024 + 1)}}),
    ),
    "a body too large": (413, "too_large", form(content=b"x" * (9 * 1024 * 1024))),
    "json too large": (413, "too_large", raw(JSON, b" " * (1024 * 1024 + 1))),
    "another name": (422, "wrong_file_name", form(**file("main.py"))),
    "a path": (422, "wrong_file_name", form(**file("../solution.py"))),
    "an absolute path": (422, "wrong_file_name", form(**file("/solution.py"))),
    "a drive": (422, "wrong_file_name", form(**file("C:\\solution.py"))),
    "another machine": (422, "wrong_file_name", form(**file("\\\\host\\solution.py"))),
    "a new line in the name": (422, "wrong_file_name", form(**file("solution.py\n"))),
    "right-to-left": (422, "wrong_file_name", form(**file("solution\u202e.py"))),
    "other case": (422, "wrong_file_name", form(**file("Solution.py"))),
    "two files": (
        422, "wrong_file_name", form(files=[("file", ("solution.py", GOOD)), ("file", ("b.py", GOOD))]),
    ),
    "the same file twice": (
        422, "wrong_file_name", form(files=[("file", ("solution.py", GOOD)), ("file", ("solution.py", b"2"))]),
    ),
    "another name (json)": (422, "wrong_file_name", json_({"challenge": "alpha", "files": {"a/solution.py": "x"}})),
    "empty": (422, "empty_file", form(content=b"")),
    "only blanks": (422, "empty_file", form(content=b" \n\t\r\n")),
    "empty (json)": (422, "empty_file", json_({"challenge": "alpha", "files": {"solution.py": ""}})),
    "broken json": (400, "bad_json", raw(JSON, b'{"challenge": "alpha", ')),
    "no json at all": (400, "bad_json", raw(JSON, b"")),
    "deep json": (400, "bad_json", raw(JSON, b"[" * 100_000)),
    "deep json, balanced": (400, "bad_json", raw(JSON, b'{"a":' * 50_000 + b"1" + b"}" * 50_000)),
    "the same key twice": (400, "bad_json", raw(JSON, b'{"challenge":"alpha","challenge":"beta","files":{}}')),
    "the same file twice (json)": (
        400, "bad_json", raw(JSON, b'{"challenge":"alpha","files":{"solution.py":"1","solution.py":"2"}}'),
    ),
    "a huge number": (400, "bad_json", raw(JSON, b'{"challenge":' + b"9" * 1_000_000 + b"}")),
    "a huge fraction": (400, "bad_json", raw(JSON, b'{"challenge":1.' + b"9" * 1_000_000 + b"}")),
    "an infinite number": (400, "bad_json", raw(JSON, b'{"challenge":1e999}')),
    "NaN": (400, "bad_json", raw(JSON, b'{"challenge":NaN}')),
    "not utf-8 (json)": (400, "bad_json", raw(JSON, b'{"challenge":"alpha","files":{"solution.py":"\xff"}}')),
    "utf-16": (400, "bad_json", raw(JSON, '{"challenge":"alpha"}'.encode("utf-16"))),
    "half a character": (
        422, "not_utf8", raw(JSON, b'{"challenge":"alpha","files":{"solution.py":"\\ud800"}}'),
    ),
    "json of another type": (422, "invalid_request", json_([1, 2])),
    "a number for a name": (422, "invalid_request", json_({"challenge": 5, "files": FILES})),
    "a number for a text": (422, "invalid_request", json_({"challenge": "alpha", "files": {"solution.py": 1}})),
    "no files (json)": (422, "invalid_request", json_({"challenge": "alpha", "files": {}})),
    "an unknown field (json)": (422, "invalid_request", json_({"challenge": "alpha", "files": FILES, "lane": "x"})),
    "an unknown field (form)": (422, "invalid_request", form(data={"verdict": "accepted"})),
    "a field twice": (422, "invalid_request", multipart(CHALLENGE, CHALLENGE, FILE)),
    "no challenge": (422, "invalid_request", multipart(FILE)),
    "no file": (422, "invalid_request", multipart(CHALLENGE)),
    "a file in another field": (422, "invalid_request", form(files={"upload": ("solution.py", GOOD)})),
    "a challenge that is a file": (422, "invalid_request", form(files={"challenge": ("alpha", b"alpha")})),
    "a slug with a zero byte": (422, "invalid_request", json_({"challenge": "al\x00pha", "files": FILES})),
    "no boundary": (400, "bad_form", raw("multipart/form-data", b"x")),
    "a wrong boundary": (400, "bad_form", raw("multipart/form-data; boundary=B", b"--C\r\nx")),
    "an enormous boundary": (400, "bad_form", raw("multipart/form-data; boundary=" + "B" * 5000, b"x")),
    "too many parts": (400, "bad_form", multipart(*[FILE] * 10_000)),
    "too many fields": (400, "bad_form", multipart(*[CHALLENGE] * 10_000)),
    "a giant field": (400, "bad_form", multipart(CHALLENGE + b"x" * 100_000, FILE)),
    "a giant part header": (400, "bad_form", multipart(b"X-Long: " + b"y" * 100_000 + b"\r\n" + FILE)),
    "many part headers": (400, "bad_form", multipart(b"X: y\r\n" * 1000 + FILE)),
    "a part without a name": (400, "bad_form", multipart(b"Content-Type: text/plain\r\n\r\nx")),
    "another media type": (415, "unsupported_media_type", raw("text/x-python", GOOD)),
    "no media type": (415, "unsupported_media_type", raw(None, GOOD)),
    "a urlencoded form": (
        415, "unsupported_media_type", raw("application/x-www-form-urlencoded", b"challenge=alpha"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, module_databases: Databases) -> Iterator[House]:
    with built(tmp_path_factory.mktemp("house"), database_url=module_databases.new()) as house:
        yield house


@pytest.mark.parametrize("case", CASES)
def test_bad_submissions(shared: House, case: str) -> None:
    status, code, send = CASES[case]
    before = stored(shared)
    start = time.monotonic()
    answer = send(shared)
    took = time.monotonic() - start
    refused(answer, status, code)
    assert stored(shared) == before, "nothing is half stored"
    assert took < 20, "it is refused quickly"
    assert len(answer.content) < 5000, "what was sent is not sent back"


def test_good_ones_beside_them(shared: House) -> None:
    """The same helpers make submissions that are accepted, so the refusals above are for the fault named."""
    for send in (
        form(),
        form(content=b"x" * (16 * 1024)),
        form(content=b"\xff\xfe not text"),
        json_({"challenge": "alpha", "files": FILES}),
        json_({"challenge": "alpha", "competition": None, "files": FILES}),
        raw(JSON + "; charset=utf-8", b'{"challenge":"alpha","files":{"solution.py":"\\ud83d\\ude00"}}'),
        multipart(CHALLENGE, FILE),
        multipart(FILE, CHALLENGE),
    ):
        before = stored(shared)[0]
        assert send(shared).status_code == 202
        assert stored(shared)[0] == before + 1


@pytest.mark.parametrize(
    ("window", "status", "code"),
    [((3600, 7200), 403, "competition_not_begun"), ((-7200, -3600), 409, "competition_over")],
)
def test_outside_the_window(shared: House, window: tuple[int, int], status: int, code: str) -> None:
    opens, closes = ((datetime.now(UTC) + timedelta(seconds=seconds)).isoformat() for seconds in window)
    slug = code.replace("_", "-")
    if closes < datetime.now(UTC).isoformat():
        refused(shared.competition(slug, opens_at=opens, closes_at=closes), 422, "invalid_request")
    assert shared.competition(slug, opens_at=opens).status_code == 201
    shared.person(slug, slug)
    with shared.context.store.write() as session:  # time passes
        competitions.by_slug(session, slug).closes_at = datetime.fromisoformat(closes)
    refused(shared.submit(slug, data={"competition": slug}), status, code)
    refused(shared.submit(slug), status, code)
    refused(shared.submit("ann", data={"competition": slug}), 403, "not_entered")


def test_which_competition(shared: House) -> None:
    assert shared.competition("mug").status_code == 201
    shared.person("dan", "cup", "mug")
    document = refused(shared.submit("dan"), 422, "competition_required")
    assert document["competitions"] == ["cup", "mug"]
    assert shared.submit("dan", data={"competition": "mug"}).json()["competition"] == "mug"
    shared.person("eve")
    assert refused(shared.submit("eve"), 422, "competition_required")["competitions"] == []


def test_a_token_is_needed_before_anything_is_read(shared: House) -> None:
    refused(shared.submit(None), 401, "unauthorized")
    refused(shared.submit(None, content=b"x" * 100_000), 401, "unauthorized")


def test_a_full_disk_is_our_fault_and_nothing_is_promised(shared: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    before = stored(shared)
    monkeypatch.setattr(type(shared.context.blobs), "put", full)
    answer = shared.submit("ann")
    refused(answer, 503, "storage_unavailable")
    assert answer.headers["retry-after"]
    assert stored(shared) == before


@pytest.mark.fault("F13")
def test_before_the_disk_is_full_nothing_more_is_accepted(shared: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stored(shared)
    monkeypatch.setattr("api.disk.used_percent", lambda _: 95.0)
    answer = shared.submit("ann")
    document = refused(answer, 503, "storage_unavailable")
    assert "operator has to make room" in document["detail"]
    assert answer.headers["retry-after"]
    assert stored(shared) == before
    ready = shared.request("GET", "/readyz", None)
    assert (ready.status_code, ready.json()["blobs"], ready.json()["database"]) == (503, False, True)
    assert shared.get("/challenges").status_code == 200, "what is there can be read"
    monkeypatch.setattr("api.disk.used_percent", lambda _: 94.9)
    assert shared.submit("ann").status_code == 202, "the control"


def test_a_database_that_is_away_is_our_fault(shared: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))

    monkeypatch.setattr("api.store.accept.accept", away)
    answer = shared.submit("ann")
    refused(answer, 503, "database_unavailable")
    assert "locked" not in answer.text
    assert answer.headers["retry-after"]


def test_a_mistake_of_ours_tells_nothing(shared: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr("api.store.competitions.find", broken)
    answer = shared.get("/competitions/cup")
    refused(answer, 500, "internal_error")
    assert "42" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"{V1}/nowhere", 404, "not_found"),
        ("GET", f"{V1}/", 404, "not_found"),
        ("GET", f"{V1}/submissions/", 404, "not_found"),
        ("PUT", f"{V1}/submissions", 405, "method_not_allowed"),
        ("DELETE", f"{V1}/competitions/cup", 405, "method_not_allowed"),
        ("GET", f"{V1}/submissions/short", 422, "invalid_request"),
        ("GET", f"{V1}/competitions/Not-A-Slug", 422, "invalid_request"),
        ("GET", f"{V1}/competitions/none", 404, "unknown_competition"),
        ("GET", f"{V1}/challenges/none", 404, "unknown_challenge"),
        ("GET", f"{V1}/leaderboards/none", 404, "unknown_competition"),
        ("GET", f"{V1}/leaderboards/none/events", 404, "unknown_competition"),
        ("GET", f"{V1}/leaderboards/cup?challenge=none", 404, "unknown_challenge"),
        ("DELETE", f"{V1}/tokens/0", 422, "invalid_request"),
        ("DELETE", f"{V1}/tokens/99999999999999999999", 422, "invalid_request"),
        ("DELETE", f"{V1}/tokens/99999", 404, "not_found"),
        ("POST", f"{V1}/people/99999/tokens", 422, "invalid_request"),
    ],
)
def test_addresses_that_lead_nowhere(shared: House, method: str, path: str, status: int, code: str) -> None:
    answer = shared.client.request(method, path, headers=shared.auth("admin"))
    refused(answer, status, code)
    if status == 405:
        assert answer.headers["allow"]


NAMES = ["", " ", "a" * 65, " ann", "ann ", "a  b", "a\tb", "a\nb", "a\x00b", "a\u202eb", "\u200b", 5, None, ["x"], {}]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_refused(shared: House, name: Any) -> None:
    refused(shared.post("/people", "admin", json={"name": name}), 422, "invalid_request")


def test_names_that_are_fine_and_the_same_name_spelt_otherwise(shared: House) -> None:
    for name in ("Ada Lovelace", "Żaneta", "李", "=1+1", "<b>x</b>"):
        assert shared.post("/people", "admin", json={"name": name}).json()["name"] == name
    assert shared.post("/people", "admin", json={"name": "Ame\u0301lie"}).json()["name"] == "Amélie"
    refused(shared.post("/people", "admin", json={"name": "Amélie"}), 409, "name_taken")


COMPETITIONS: list[tuple[int, str, dict[str, Any]]] = [
    (404, "unknown_challenge", {"challenges": [{"slug": "nope"}]}),
    (409, "name_taken", {"slug": "cup"}),
    (422, "invalid_request", {"challenges": []}),
    (422, "invalid_request", {"challenges": [{"slug": "alpha"}, {"slug": "alpha"}]}),
    (422, "invalid_request", {"challenges": [{"slug": "alpha", "points": 0}]}),
    (422, "invalid_request", {"challenges": [{"slug": "alpha", "points": 1.5}]}),
    (422, "invalid_request", {"challenges": [{"slug": "alpha", "points": 10**12}]}),
    (422, "invalid_request", {"slug": "No Slug"}),
    (422, "invalid_request", {"title": "x" * 201}),
    (422, "invalid_request", {"opens_at": "2026-01-01T00:00:00"}),
    (422, "invalid_request", {"opens_at": "yesterday"}),
    (422, "invalid_request", {"opens_at": "2027-01-02T00:00:00Z", "closes_at": "2027-01-01T00:00:00Z"}),
    (422, "invalid_request", {"closes_at": "0001-01-01T00:00:00+14:00"}),
]


@pytest.mark.parametrize(("status", "code", "change"), COMPETITIONS)
def test_competitions_that_are_refused(shared: House, status: int, code: str, change: dict[str, Any]) -> None:
    body = {"slug": "fresh", "title": "Fresh", "challenges": [{"slug": "alpha"}]} | change
    refused(shared.post("/competitions", "admin", json=body), status, code)
    refused(shared.get("/competitions/fresh"), 404, "unknown_competition")


def test_a_competition_as_it_was_asked_for(shared: House) -> None:
    body = {"slug": "fine", "title": "Fine", "closes_at": "2090-01-01T00:00:00+02:00"}
    challenges = [{"slug": "beta", "points": 7}, {"slug": "alpha"}]
    made = shared.post("/competitions", "admin", json=body | {"challenges": challenges})
    assert made.status_code == 201
    read = shared.get("/competitions/fine").json()
    no_window = dict.fromkeys(("week", "opens_at", "closes_at"))
    assert read == made.json()
    assert read["challenges"] == [
        {"slug": "beta", "points": 7, "version": "beta-v1", **no_window},
        {"slug": "alpha", "points": 100, "version": "alpha-v1", **no_window},
    ]
    assert (read["phase"], read["entries"], read["closes_at"]) == ("open", 0, "2089-12-31T22:00:00Z")
    assert "fine" in [competition["slug"] for competition in shared.get("/competitions").json()]
    refused(shared.post("/competitions/fine/entries", "admin", json={"person": "nobody"}), 404, "unknown_person")
    assert shared.post("/competitions/fine/entries", "admin", json={"person": "ann"}).status_code == 201
    refused(shared.post("/competitions/fine/entries", "admin", json={"person": "ann"}), 409, "already_entered")


# JSON, on its own


@pytest.mark.parametrize(
    "body", [b'{"a": [1, 2.5, "[[[[", null, true, {"b": "\\"{"}]}', b'"' + b"[" * 1000 + b'"', b"0"]
)
def test_json_that_is_fine(body: bytes) -> None:
    assert jsonbody.parse(body, max_bytes=10_000) == json.loads(body)


def test_the_depth_allowed_and_the_next(shared: House) -> None:
    deep = jsonbody.MAX_DEPTH
    assert jsonbody.parse(b"[" * deep + b"]" * deep, max_bytes=10_000)
    assert len(jsonbody.parse(b"[" + b"[]," * 1000 + b"[]]", max_bytes=10_000)) == 1001
    with pytest.raises(Problem, match="bad_json"):
        jsonbody.parse(b"[" * (deep + 1) + b"]" * (deep + 1), max_bytes=10_000)


@pytest.mark.parametrize(
    "body",
    [
        b'"' * 1_000_000,
        b'"\\' * 500_000,
        b'[[[[' * 10 + b'"' + b'\\"' * 400_000,
        b"{" * 40 + b'"\\' + b"a" * 900_000,
        b"[" + b"0," * 450_000,
        b"-" * 1_000_000,
        b"[]" * 450_000,
    ],
)  # fmt: skip
def test_no_text_takes_long(body: bytes) -> None:
    start = time.monotonic()
    with pytest.raises(Problem, match="bad_json"):
        jsonbody.parse(body, max_bytes=1024 * 1024)
    assert time.monotonic() - start < 10


def test_fifty_megabytes_are_not_even_read(shared: House) -> None:
    start = time.monotonic()
    refused(raw(JSON, b"[" + b"1," * 26_000_000 + b"1]")(shared), 413, "too_large")
    assert time.monotonic() - start < 20
