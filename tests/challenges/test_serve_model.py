"""The challenge serve-model without an image: its models, rows and faults, and its grader against handlers as functions.

No server is started: a solution's handler is handed the bytes of a request and its bytes are read. What only an image
shows (packages, users, signals, limits) is tested with the real boxes.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import io
import json
import math
import re
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPResponse
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from challenges.kit import Data, Image, Reply, Request, Score
from challenges.kit.data import seeded_generator
from challenges.loader import Challenge, Solution, solutions
from tests.challenges.conftest import SHIPPED
from tests.challenges.fake_attempt import grader_of

SLUG = "serve-model"
SLOW = ("slow", "sulks")
"""Predict ordinary rows rightly, and then too late or no more: their latency is told."""
KEYS = [f"submission {number}".encode() for number in range(20)]

Handle = Callable[[str, str, bytes], tuple[int | None, bytes]]
"""Method, path and body of a request; status (None: no readable answer) and body of the reply."""


class FakeService:
    """What a grader holds of a service: here a function that answers."""

    def __init__(self, handle: Handle, user: str = "10001", *, ready: bool = True, slept: list[float] | None = None):
        self.image = Image(user, 1.0)
        self._handle = handle
        self._ready = ready
        self._slept = slept if slept is not None else []

    def ready(self, path: str, *, seconds: float) -> bool:
        assert 0 < seconds < 30
        return self._ready and self.get(path).status == 200

    def get(self, path: str) -> Reply:
        return self.send([Request("GET", path)])[0]

    def send(self, requests: Sequence[Request], *, parallel: int = 1) -> list[Reply]:
        with ThreadPoolExecutor(parallel) as pool:
            return list(pool.map(self._answered, requests))

    def stop(self, *, seconds: float) -> bool:
        assert 0 < seconds < 30
        return True

    def _answered(self, request: Request) -> Reply:
        begin = time.perf_counter()
        self._slept.clear()
        status, body = self._handle(request.method, request.path, request.body)
        seconds = time.perf_counter() - begin + sum(self._slept)
        return Reply(status, {}, body, seconds, "" if status else "malformed")


class FakeAttempt:
    """An attempt whose submission is a maker of handlers: given the model's file, it gives a service."""

    def __init__(self, key: bytes, started: Callable[[Path], FakeService], folder: Path) -> None:
        self._key = key
        self._started = started
        self._folder = folder
        self.model: dict[str, Any] = {}

    def rng(self, name: str) -> Any:
        return seeded_generator(self._key, name)

    def serve(self, port: int, *, files: dict[str, bytes]) -> FakeService:
        assert (port, list(files)) == (8080, ["/model/model.json"])
        path = self._folder / "model.json"
        path.write_bytes(files["/model/model.json"])
        self.model = json.loads(path.read_bytes())
        return self._started(path)


@pytest.fixture(scope="module")
def challenge() -> Challenge:
    return SHIPPED[SLUG]


@pytest.fixture(scope="module")
def data(data_of: Callable[[Challenge], Data], challenge: Challenge) -> Data:
    return data_of(challenge)


@pytest.fixture(scope="module")
def grader(challenge: Challenge) -> Iterator[Any]:
    with grader_of(challenge) as module:
        yield module


def models(grader: Any, data: Data) -> Iterator[tuple[dict[str, Any], Callable[[str], Any]]]:
    """The model of every key, with the random numbers of the same key."""
    words = (data.hidden / "words.csv").read_text().replace("\n", ",").strip(",").split(",")
    for key in KEYS:
        yield grader.ensemble.drawn(seeded_generator(key, "model"), words), partial(seeded_generator, key)


# Models, rows and faults.


def test_a_model_belongs_to_the_secret_and_to_the_bytes_of_the_submission(
    grader: Any, data: Data, tmp_path: Path
) -> None:
    def served(key: bytes) -> dict[str, Any]:
        attempt = FakeAttempt(key, lambda path: FakeService(lambda *_: (404, b"")), tmp_path)
        grader.grade(attempt, data)
        return attempt.model

    sample = json.loads((data.public / "model.json").read_bytes())
    first, again, other = served(b"one"), served(b"one"), served(b"two")
    assert first == again
    names = [{feature["name"] for feature in model["features"]} for model in (first, other, sample)]
    assert not names[0] & names[1] or names[0] != names[1]
    assert len({model["id"] for model in (first, other, sample)}) == 3
    assert first["trees"] != other["trees"] and first["trees"] != sample["trees"]


def test_a_model_is_what_the_statement_says(grader: Any, data: Data) -> None:
    for model, _ in models(grader, data):
        categories = {feature["name"]: feature.get("categories") for feature in model["features"]}
        assert len(categories) == len(model["features"]) == 8
        assert json.loads(json.dumps(model, allow_nan=False)) == model
        assert any(len(nodes) == 1 for nodes in model["trees"])
        for nodes in model["trees"]:
            reached, todo = set(), [0]
            while todo:
                at = todo.pop()
                assert at not in reached, "a node of a tree has one way to it"
                reached.add(at)
                node = nodes[at]
                if "leaf" in node:
                    assert set(node) == {"leaf"}
                    continue
                kind = "split" if categories[node["feature"]] is None else "among"
                assert set(node) == {"feature", kind, "missing", "left", "right"}
                assert node["missing"] in ("left", "right")
                assert kind == "split" or 0 < len(node["among"]) == len(
                    set(node["among"]) & set(categories[node["feature"]])
                )
                todo += [node["left"], node["right"]]
            assert reached == set(range(len(nodes)))


def test_ordinary_rows_are_ordinary(grader: Any, data: Data) -> None:
    for model, rng in models(grader, data):
        rows = grader.cases.ordinary(model, 200, rng("rows"))
        splits = [(node["feature"], node["split"]) for nodes in model["trees"] for node in nodes if "split" in node]
        assert all(row.keys() == {feature["name"] for feature in model["features"]} for row in rows)
        assert not any(row[name] == split for row in rows for name, split in splits)
        for feature in model["features"]:
            known = feature.get("categories")
            assert all(row[feature["name"]] in known if known else abs(row[feature["name"]]) < 1000 for row in rows)
        assert len({json.dumps(row, sort_keys=True) for row in rows}) == 200


def test_every_class_of_faults_is_there_with_its_status(grader: Any, data: Data, challenge: Challenge) -> None:
    table = re.findall(r"^\| .* \| (\d{3}) \| `(\w+)` \|$", challenge.statement, re.MULTILINE)
    assert len(table) == 7
    for model, rng in models(grader, data):
        faults = grader.cases.faults(model, rng("faults"))
        found = [(str(fault.status), fault.code) for fault in faults]
        assert set(found) == set(table)
        assert all(found.count(one) >= 2 for one in table)
        assert max(len(fault.body) for fault in faults) < 2**20
        for fault in faults:
            if fault.code != "malformed_json":
                json.loads(fault.body.decode(), parse_constant=pytest.fail)


def leaves(model: dict[str, Any], row: dict[str, Any], way: Callable[..., bool]) -> list[float]:
    """The leaves a row reaches when `way` says whether a value goes left; written apart from the reference."""
    categories = {feature["name"]: feature.get("categories") for feature in model["features"]}
    found = []
    for nodes in model["trees"]:
        at = 0
        while "leaf" not in nodes[at]:
            node = nodes[at]
            left = way(row[node["feature"]], node, categories[node["feature"]])
            at = node["left"] if left else node["right"]
        found.append(nodes[at]["leaf"])
    return found


def right_way(value: Any, node: dict[str, Any], categories: Any) -> bool:
    if value is None or (categories is not None and value not in categories):
        return bool(node["missing"] == "left")
    return value in node["among"] if categories is not None else value <= node["split"]


def single(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", min(3e38, max(-3e38, value))))[0])


def tie_right(value: Any, node: dict[str, Any], categories: Any) -> bool:
    return right_way(value, node, categories) and not (categories is None and value == node["split"])


def like(change: Callable[[Any, dict[str, Any], Any], Any]) -> Callable[..., bool]:
    """A wrong way: the value is taken for another one first."""
    return lambda value, node, categories: right_way(change(value, node, categories), node, categories)


WRONG_WAYS: dict[str, Callable[..., bool]] = {
    "ties go right": tie_right,
    "missing goes right": lambda v, n, c: v is not None and right_way(v, n, c),
    "missing goes left": lambda v, n, c: v is None or right_way(v, n, c),
    "missing goes the other way": lambda v, n, c: right_way(v, n, c) != (v is None),
    "missing is zero": like(lambda v, n, c: 0.0 if v is None and c is None else v),
    "a missing word is the empty one": like(lambda v, n, c: "" if v is None and c is not None else v),
    "an unknown word goes right": lambda v, n, c: right_way(v, n, c) and not (isinstance(v, str) and v not in c),
    "an unknown word is the first": like(lambda v, n, c: c[0] if isinstance(v, str) and v not in c else v),
    "an unknown word is the last": like(lambda v, n, c: c[-1] if isinstance(v, str) and v not in c else v),
    "words without blanks": like(lambda v, n, c: v.strip() if isinstance(v, str) else v),
    "words in any case": like(
        lambda v, n, c: (
            next((w for w in c if w.casefold() == v.casefold()), v) if isinstance(v, str) and v not in c else v
        )
    ),
    "NA is missing": like(lambda v, n, c: None if v in ("", "NA", "null", "nan") else v),
    "single precision": lambda v, n, c: (
        single(v) <= single(n["split"]) if isinstance(v, (int, float)) else right_way(v, n, c)
    ),
    "infinite is missing": like(lambda v, n, c: None if isinstance(v, (int, float)) and abs(v) > 1e100 else v),
    "nearly equal is equal": lambda v, n, c: (
        v <= n["split"] or math.isclose(v, n["split"]) if isinstance(v, (int, float)) else right_way(v, n, c)
    ),
}


ORDINARY_TOO = ("NA is missing", "words without blanks")
"""Such words are categories as well, so that ordinary rows show these."""


def test_a_second_reading_of_the_statement_agrees_with_the_reference(grader: Any, data: Data) -> None:
    for model, rng in models(grader, data):
        rows = [row for batch in grader._edges(model, rng("edges")) for row in batch]
        scores = []
        for row in rows:
            score, chance = grader.ensemble.predict(model, row)
            assert score == pytest.approx(model["base"] + sum(leaves(model, row, right_way)), abs=1e-9)
            assert chance == pytest.approx((1 + math.tanh(score / 2)) / 2, abs=1e-12)
            scores.append(score)
        # Beyond these, exp() overflows in one direction and 1 + exp() loses everything in the other.
        assert min(scores) < -750 and max(scores) > 750


@pytest.mark.parametrize("name", WRONG_WAYS)
def test_a_wrong_reading_shows_under_every_key_and_never_in_ordinary_rows(grader: Any, data: Data, name: str) -> None:
    for model, rng in models(grader, data):
        batches = grader._edges(model, rng("edges"))
        wrong = sum(
            abs(sum(leaves(model, row, WRONG_WAYS[name])) - sum(leaves(model, row, right_way))) > 1e-6
            for batch in batches
            for row in batch
        )
        assert wrong >= 1
        if name not in ORDINARY_TOO:
            rows = [row for batch in grader._ordinary(model, rng("ordinary")) for row in batch]
            assert all(leaves(model, row, WRONG_WAYS[name]) == leaves(model, row, right_way) for row in rows)


def test_the_samples_of_starter_statement_and_public_data_are_right(
    grader: Any, data: Data, challenge: Challenge
) -> None:
    starter = {name: content for name, content in challenge.starter.items() if name.endswith(".json")}
    public = {path.name: path.read_bytes() for path in data.public.iterdir()}
    for files in (starter, public):
        assert set(files) == {"model.json", "request.json", "response.json"}
        model, asked, said = (json.loads(files[f"{name}.json"]) for name in ("model", "request", "response"))
        answers = [grader.ensemble.predict(model, row) for row in asked["rows"]]
        assert said["model"] == model["id"]
        assert [(one["score"], one["probability"]) for one in said["predictions"]] == answers
    shown = re.findall(r"```json\n(.*?)\n```", challenge.statement, re.DOTALL)
    asked, said, error = map(json.loads, shown)
    model = json.loads(starter["model.json"])
    assert said["model"] == model["id"] and len(said["predictions"]) == len(asked["rows"])
    for row, one in zip(asked["rows"], said["predictions"], strict=True):
        score, chance = grader.ensemble.predict(model, row)
        assert (one["score"], one["probability"]) == (score, round(chance, 3))
    assert error.keys() == {"error"} and error["error"].keys() == {"code", "message"}


# The grader against the handlers of solutions.


class Wire:
    """What a handler of the standard library wants of a connection: bytes in, bytes out."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.said = b""

    def makefile(self, mode: str, *_: Any) -> io.BytesIO:
        return io.BytesIO(self._request if mode == "rb" else self.said)

    def sendall(self, data: bytes) -> None:
        self.said += data


def exchanged(handler: Any, method: str, path: str, body: bytes) -> tuple[int | None, bytes]:
    """One request through a handler class of `http.server`, without a socket."""
    wire = Wire(f"{method} {path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    handler(wire, ("127.0.0.1", 1), None)
    answer = HTTPResponse(SimpleNamespace(makefile=lambda _: io.BytesIO(wire.said)), method=method)  # type: ignore[arg-type]
    answer.begin()
    return answer.status, answer.read()


@contextlib.contextmanager
def imported(folder: Path, *names: str) -> Iterator[list[ModuleType]]:
    """Modules of a solution's folder by their dotted names; all of them are forgotten afterwards."""
    known = set(sys.modules)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode, wrote = True, sys.dont_write_bytecode
    try:
        yield [importlib.import_module(name) for name in names]
    finally:
        sys.dont_write_bytecode = wrote
        sys.path.remove(str(folder))
        for name in set(sys.modules) - known:
            if getattr(sys.modules[name], "__file__", None) and str(folder) in str(sys.modules[name].__file__):
                del sys.modules[name]


def stdlib(module: Any, folder: Path) -> Callable[[Path], FakeService]:
    """A solution on `http.server`; one that asks a slow neighbour gets the seconds without the waiting."""
    user = re.findall(r"^USER (\S+)$", (folder / "Dockerfile").read_text(), re.MULTILINE)
    slept: list[float] = []
    if folder.name == "slow":
        module.time = SimpleNamespace(sleep=slept.append)

    def started(path: Path) -> FakeService:
        if folder.name != "cheat_sample_model":
            module.PATH = str(path)
        if hasattr(module, "load"):
            module.Handler.model = module.load(folder / module.PATH)
        ready = getattr(module, "PORT", 8080) == 8080
        return FakeService(
            lambda *asked: exchanged(module.Handler, *asked), user[-1] if user else "", ready=ready, slept=slept
        )

    return started


def asgi(module: Any) -> Callable[[Path], FakeService]:
    """The plain ASGI application, one event loop for each request."""

    def called(app: Any, scope: dict[str, Any], *messages: dict[str, Any]) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = []
        left = list(messages)

        async def receive() -> dict[str, Any]:
            return left.pop(0)

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        asyncio.run(app(scope, receive, send))
        return said

    def started(path: Path) -> FakeService:
        app = module.App(path)
        assert called(app, {"type": "http", "method": "GET", "path": "/readyz"})[0]["status"] == 503
        called(app, {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})

        def handle(method: str, path: str, body: bytes) -> tuple[int | None, bytes]:
            halves: list[dict[str, Any]] = [{"body": body[:100], "more_body": True}, {"body": body[100:]}]
            head, content = called(app, {"type": "http", "method": method, "path": path}, *halves)
            return head["status"], content["body"]

        return FakeService(handle)

    return started


def flask(model: Any, validation: Any) -> Callable[[Path], FakeService]:
    """What the Flask application does without Flask: its routes are thin."""

    def started(path: Path) -> FakeService:
        loaded = model.Model.read(path)

        def handle(method: str, path: str, body: bytes) -> tuple[int | None, bytes]:
            if method == "GET":
                return 200, b"{}"
            try:
                rows = validation.rows_of(body, loaded)
            except validation.Invalid as error:
                told = {"error": {"code": error.code, "message": error.message}}
                return error.status, json.dumps(told).encode()
            said: dict[str, Any] = {"model": loaded.id, "predictions": [loaded.predict(row) for row in rows]}
            return 200, json.dumps(said).encode()

        return FakeService(handle)

    return started


def on_functions() -> list[Solution]:
    """Solutions whose outcome a handler of the standard library can show; signals and frameworks need an image."""
    kinds = ("accepted", "alternatives", "baseline", "wrong_answer")
    found = [one for one in solutions(SHIPPED[SLUG]) if one.kind in kinds]
    return [one for one in found if one.name not in ("fastapi_numpy", "ignores_sigterm")]


@pytest.mark.parametrize("solution", on_functions(), ids=lambda one: f"{one.kind}/{one.name}")
def test_a_solution_comes_to_what_its_folder_says(
    grader: Any, data: Data, challenge: Challenge, solution: Solution, tmp_path: Path
) -> None:
    names = {"flask_gunicorn": ["model", "validation"], "asgi_plain": ["service.asgi"]}.get(solution.name, ["app"])
    makers: dict[str, Callable[..., Callable[[Path], FakeService]]] = {"flask_gunicorn": flask, "asgi_plain": asgi}
    for key in KEYS[:2]:
        with imported(solution.path, *names) as modules:
            rest = () if solution.name in makers else (solution.path,)
            started = makers.get(solution.name, stdlib)(*modules, *rest)
            score: Score = grader.grade(FakeAttempt(key, started, tmp_path), data)
        failed = [check.name for check in score.checks if not check.passed]
        assert solution.low <= score.points <= solution.high, (score.points, failed)
        accepted = score.points >= challenge.pass_mark and not any(c.gate and not c.passed for c in score.checks)
        assert accepted is (solution.expected == "accepted"), failed
        if solution.must_fail is not None:
            assert solution.must_fail in failed
        if solution.only:
            assert failed == [solution.must_fail]
        assert (score.metric is not None) is ("latency" not in failed or solution.name in SLOW)


def test_the_forest_on_columns_agrees_with_the_reference(grader: Any, data: Data, challenge: Challenge) -> None:
    with imported(challenge.folder / "solutions" / "alternatives" / "fastapi_numpy", "forest") as (module,):
        forest: Any = module
        for model, rng in models(grader, data):
            rows = grader.cases.edges(model, rng("edges"))
            scores, chances = forest.Forest(model).predict(rows)
            for row, score, chance in zip(rows, scores, chances, strict=True):
                assert grader._agrees({"score": score, "probability": chance}, grader.ensemble.predict(model, row))


def test_every_group_that_can_be_is_alone_in_failing_for_some_solution(challenge: Challenge) -> None:
    alone = {one.must_fail for one in solutions(challenge) if one.only}
    # An image that is not built and a service that is not ready have nothing else to show.
    assert alone == {group.name for group in challenge.groups} - {"builds", "ready"}


def test_the_starter_has_the_points_of_a_beginning(grader: Any, data: Data, tmp_path: Path) -> None:
    """Its Flask routes say alive, ready and 501."""

    def handle(method: str, path: str, body: bytes) -> tuple[int | None, bytes]:
        return (200, b'{"status": "ready"}') if method == "GET" else (501, b'{"error": {"code": "not_written"}}')

    assert grader.grade(FakeAttempt(b"key", lambda path: FakeService(handle), tmp_path), data).points == 20


BODIES = st.binary(max_size=50) | st.sampled_from(
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"model": null, "predictions": null}',
        b'{"model": "m", "predictions": [[]]}',
        b'{"error": null}',
        b'{"error": {"code": [], "message": {}}}',
        b'{"error": {"code": {}, "message": ""}}',
        b"[" * 100_000,
        b"1" * 5000,
        b"\xff",
        b'"\\ud800"',
    ]
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(status=st.none() | st.integers(0, 999), body=BODIES)
def test_garbage_gains_nothing_and_breaks_nothing(
    grader: Any, data: Data, tmp_path: Path, status: int | None, body: bytes
) -> None:
    def handle(method: str, path: str, _: bytes) -> tuple[int | None, bytes]:
        return (200, b"") if method == "GET" else (status, body)

    score = grader.grade(FakeAttempt(b"key", lambda path: FakeService(handle), tmp_path), data)
    assert score.points == 20 and score.metric is None


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    value=st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3) | st.lists(st.none()),
    name=st.sampled_from(["score", "probability"]),
)
@example(value=10**4000, name="score")
@example(value=True, name="probability")
@example(value=2**63 - 1, name="score")
def test_one_odd_value_among_right_ones_is_wrong(grader: Any, data: Data, value: Any, name: str) -> None:
    model, rng = next(models(grader, data))
    rows = grader.cases.ordinary(model, 3, rng("rows"))
    right = [dict(zip(("score", "probability"), grader.ensemble.predict(model, row), strict=True)) for row in rows]

    def is_right(predictions: Any, **other: Any) -> bool:
        body = json.dumps({"model": model["id"], "predictions": predictions} | other).encode()
        return bool(grader._is_right(Reply(200, {}, body), model, rows))

    assert not is_right([*right[:2], right[2] | {name: value}])
    assert not is_right([*right[:2], right[2] | {name: right[2][name] + 1e-8}])
    assert not is_right([*right[:2], right[2] | {"more": 1}])
    assert not is_right([right[1], right[0], right[2]])
    assert not is_right(right, model="another")
    assert not is_right(right, more=1)
    assert not is_right(right[:2])
    assert not is_right([*right, right[2]])
    assert is_right([*right[:2], right[2] | {name: right[2][name] + 1e-10}])
    assert is_right(right)


def test_the_numbers_of_the_statement_are_those_of_the_grader(grader: Any, challenge: Challenge) -> None:
    text = challenge.statement
    for words in (
        f"port {grader.PORT}",
        f"after {grader.READY_SECONDS} seconds",
        f"within {grader.STOP_SECONDS} seconds",
        f"1 to {grader.cases.MAX_ROWS} rows",
        f"{grader.PARALLEL} requests at a time",
        f"within {grader.LATENCY} seconds",
        "right to 1e-9",
    ):
        assert words in text
    assert grader.TOLERANCE == 1e-9
    for group in challenge.groups:
        assert f"- `{group.name}`" in text or group.name in ("non-root", "latency")


def test_solutions_keep_to_what_may_be_handed_in(challenge: Challenge) -> None:
    """Sizes and counts; and no name outside the folder's own is a network's."""
    submitted = [dict(one.files) for one in solutions(challenge)] + [dict(challenge.starter)]
    for files in submitted:
        assert "Dockerfile" in files and len(files) <= challenge.max_files
        assert sum(map(len, files.values())) <= 1024 * challenge.max_kb
    model = challenge.starter["model.json"]
    cheat = next(one for one in solutions(challenge) if one.name == "cheat_sample_model")
    assert cheat.files["model.json"] == model
