"""Containerise a model: builds the submission's image, starts it with a model that is new, and speaks HTTP to it."""

import csv
import json
import re
from typing import Any

import cases
import ensemble
import numpy as np

from challenges.kit import Attempt, Data, InvalidOutput, Score
from challenges.kit.service import Reply, Request, Service

PORT = 8080
READY_SECONDS = 20
STOP_SECONDS = 5
TOLERANCE = 1e-9
PARALLEL = 16
ROUNDS = 4
TIMED = 20
HOUR = 3600.0
LATENCY = 0.25
"""Seconds for 95 of 100 requests of 50 rows. Measured, with two gradings at once on two cores: 0.002 to 0.03."""
NUMBER = re.compile(r"[1-9][0-9]*(:[0-9]+)?")
JSON = {"content-type": "application/json"}


def generate(data: Data) -> None:
    """A public model with a request and its reply; hidden, the words that the models of the attempts are made of."""
    model = ensemble.drawn(data.rng("public model"), cases.words(data.rng("public words"), 200))
    rng = data.rng("public rows")
    rows = [*cases.ordinary(model, 20, rng), *cases.edges(model, rng)[:80]]
    answers = [
        {"score": score, "probability": chance} for score, chance in (ensemble.predict(model, row) for row in rows)
    ]
    (data.public / "model.json").write_bytes(_lines(model))
    (data.public / "request.json").write_bytes(_lines({"rows": rows}))
    (data.public / "response.json").write_bytes(_lines({"model": model["id"], "predictions": answers}))
    hidden = cases.words(data.rng("hidden words"), 400)
    with (data.hidden / "words.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(hidden[at : at + 10] for at in range(0, len(hidden), 10))


def sample(attempt: Attempt, data: Data) -> Score:
    """The public model, request and reply: every group stands or falls with them."""
    service = attempt.serve(PORT, files={"/model/model.json": (data.public / "model.json").read_bytes()})
    if not service.ready("/readyz", seconds=READY_SECONDS):
        return Score.of(data.groups, {group.name: group.name == "builds" for group in data.groups})
    reply = service.send([_posted((data.public / "request.json").read_bytes())])[0]
    wanted = json.loads((data.public / "response.json").read_bytes())
    said = _json(reply)
    right = reply.status == 200 and _has(said, "model", "predictions") and said["model"] == wanted["model"]
    pairs = [(one["score"], one["probability"]) for one in wanted["predictions"]]
    answers = said["predictions"] if right and isinstance(said["predictions"], list) else []
    right = len(answers) == len(pairs) and all(_agrees(*both) for both in zip(answers, pairs, strict=True))
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """Every group by itself; what says how well a service behaves counts only for one that predicts ordinary rows."""
    lines = (data.hidden / "words.csv").read_bytes().decode().splitlines()
    words = [word for line in csv.reader(lines) for word in line]
    model = ensemble.drawn(attempt.rng("model"), words)
    service = attempt.serve(PORT, files={"/model/model.json": json.dumps(model).encode()})
    found: dict[str, bool | float] = {group.name: False for group in data.groups}
    found["builds"] = True  # otherwise the attempt would have ended
    if not service.ready("/readyz", seconds=READY_SECONDS):
        return Score.of(data.groups, found)
    found["ready"] = service.get("/healthz").status == 200
    works = _predicts(service, model, _ordinary(model, attempt.rng("ordinary")))
    found["predict"] = _predicts(service, model, _edges(model, attempt.rng("edges"))) and works
    found["validation"] = _refuses(service, model, attempt.rng("faults"))
    found["non-root"] = works and NUMBER.fullmatch(service.image.user) is not None
    found["concurrency"] = _keeps_apart(service, model, attempt.rng("concurrency"))
    slow = _p95(service, model, attempt.rng("latency"))
    if slow > LATENCY:
        slow = _p95(service, model, attempt.rng("latency again"))  # the machine has bad moments too
    found["latency"] = works and slow <= LATENCY
    found["shutdown"] = service.stop(seconds=STOP_SECONDS) and works
    return Score.of(data.groups, found, metric=slow if works else None)


def _ordinary(model: ensemble.Model, rng: np.random.Generator) -> list[list[ensemble.Row]]:
    return [cases.ordinary(model, size, rng) for size in (1, 1, 2, 9, 60, cases.MAX_ROWS)]


def _edges(model: ensemble.Model, rng: np.random.Generator) -> list[list[ensemble.Row]]:
    rows = cases.edges(model, rng)
    batches = [rows[at : at + 150] for at in range(10, len(rows), 150)]
    return [*([row] for row in rows[:10]), *batches]


def _predicts(service: Service, model: ensemble.Model, batches: list[list[ensemble.Row]]) -> bool:
    rng = np.random.default_rng(len(batches))  # only the spelling of the bodies, which need not be secret
    return _right(service, model, batches, [cases.request(rows, rng) for rows in batches], parallel=1)


def _keeps_apart(service: Service, model: ensemble.Model, rng: np.random.Generator) -> bool:
    """Rounds of requests at the same time, each of other rows and of another number of rows."""
    held = True
    for _ in range(ROUNDS):
        sizes = 100 + rng.permutation(cases.MAX_ROWS - 99)[:PARALLEL]
        batches = [cases.ordinary(model, size, rng) for size in sizes.tolist()]
        bodies = [cases.request(rows, rng) for rows in batches]
        held = _right(service, model, batches, bodies, parallel=PARALLEL) and held
    return held


def _right(
    service: Service, model: ensemble.Model, batches: list[list[ensemble.Row]], bodies: list[bytes], *, parallel: int
) -> bool:
    replies = service.send([_posted(body) for body in bodies], parallel=parallel)
    return all(_is_right(reply, model, rows) for reply, rows in zip(replies, batches, strict=True))


def _is_right(reply: Reply, model: ensemble.Model, rows: list[ensemble.Row]) -> bool:
    said = _json(reply)
    if reply.status != 200 or not _has(said, "model", "predictions") or said["model"] != model["id"]:
        return False
    answers = said["predictions"]
    if not isinstance(answers, list) or len(answers) != len(rows):
        return False
    return all(_agrees(answer, ensemble.predict(model, row)) for answer, row in zip(answers, rows, strict=True))


def _agrees(answer: Any, wanted: tuple[float, float]) -> bool:
    return _has(answer, "score", "probability") and all(
        type(answer[name]) in (int, float) and abs(answer[name] - number) <= TOLERANCE * max(1.0, abs(number))
        for name, number in zip(("score", "probability"), wanted, strict=True)
    )


def _refuses(service: Service, model: ensemble.Model, rng: np.random.Generator) -> bool:
    """Every fault has its status and code, and a good request among the bad ones is still answered."""
    faults = cases.faults(model, rng)
    good = _posted(cases.request(cases.ordinary(model, 3, rng), rng))
    replies = service.send([good, *(_posted(fault.body) for fault in faults), good])
    if replies[0].status != 200 or replies[-1].status != 200:
        return False
    return all(_is_error(reply, fault) for reply, fault in zip(replies[1:-1], faults, strict=True))


def _is_error(reply: Reply, fault: cases.Fault) -> bool:
    said = _json(reply)
    if reply.status != fault.status or not _has(said, "error") or not _has(said["error"], "code", "message"):
        return False
    code, message = said["error"]["code"], said["error"]["message"]
    return code == fault.code and isinstance(message, str) and message != ""


def _p95(service: Service, model: ensemble.Model, rng: np.random.Generator) -> float:
    """Seconds, one request after the other; an hour for a service that does not answer them all."""
    requests = [_posted(cases.request(cases.ordinary(model, 50, rng), rng)) for _ in range(TIMED)]
    seconds = sorted(reply.seconds if reply.status == 200 else HOUR for reply in service.send(requests))
    return seconds[len(seconds) * 95 // 100 - 1]


def _posted(body: bytes) -> Request:
    return Request("POST", "/predict", body, JSON)


def _json(reply: Reply) -> Any:
    """What a reply says; None, which is never right, if it says nothing that can be read."""
    try:
        return reply.json()
    except InvalidOutput:
        return None


def _has(value: Any, *keys: str) -> bool:
    return isinstance(value, dict) and value.keys() == set(keys)


def _lines(value: dict[str, Any]) -> bytes:
    """JSON with a line for every item of its lists, so that people can read it."""
    parts = []
    for key, item in value.items():
        text = json.dumps(item, ensure_ascii=False)
        if isinstance(item, list):
            text = "[\n    " + ",\n    ".join(json.dumps(one, ensure_ascii=False) for one in item) + "\n  ]"
        parts.append(f"  {json.dumps(key)}: {text}")
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()
