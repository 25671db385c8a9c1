"""A prediction service by its answers: every status, error and number follows from the statement; knows no Flask."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from challenges.kit import Attempt, Data, InvalidOutput, Score, parse_json

MAX_ROWS = 500
TOLERANCE = 1e-9
PARALLEL = 16
TYPES = (
    "# TYPE predict_requests_total counter",
    "# TYPE predict_rows_total counter",
    "# TYPE predict_label_total counter",
    "# TYPE model_info gauge",
)
WORDS = ("age", "income", "visits", "tenure", "spend", "calls", "balance", "rooms", "trips", "score")

Model = dict[str, Any]
Row = dict[str, float | None]
Reply = tuple[int, str, str]


class Asked(NamedTuple):
    """A request and what must come back: a model and rows to be predicted, or an error's code and row."""

    body: str
    rows: list[Row] | None = None
    model: Model | None = None
    status: int = 200
    code: str = ""
    row: int | None = None
    method: str = "POST"
    path: str = "/predict"
    type: str = "application/json"


Step = list[Asked]


def generate(data: Data) -> None:
    """One public model with a request and the reply to it. Hidden ones are drawn in `grade`."""
    model, rows = _sample(data)
    reply = {"version": model["version"], "predictions": [_predicted(model, row) for row in rows]}
    for name, value in (("model", model), ("request", {"rows": rows}), ("response", reply)):
        (data.public / f"{name}.json").write_text(json.dumps(value, indent=2) + "\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public request, to the public model; all groups stand or fall with it."""
    model, rows = _sample(data)
    steps: list[Model | Step] = [model, [_good(model, rows)]]
    right = all(_played(attempt, {"sample": steps})["sample"])
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """One scene for each group, in one run, each with an application of its own."""
    rng = data.rng("hidden models")
    counted, text = _counted(rng)
    scenes = {
        "predict": _predicting(rng),
        "validation": _refusing(rng),
        "concurrency": _together(rng),
        "metrics": counted,
        "lifecycle": _living(rng),
    }
    said = _played(attempt, scenes, metrics=text)
    return Score.of(data.groups, {name: all(right) for name, right in said.items()})


def _sample(data: Data) -> tuple[Model, list[Row]]:
    rng = data.rng("sample")
    model = _drawn(rng, "sample")
    return model, _rows(rng, model, 3, gaps=0)


def _drawn(rng: np.random.Generator, version: str) -> Model:
    return {
        "version": version,
        "features": [
            {
                "name": str(name),
                "mean": round(float(rng.normal(20, 10)), 3),
                "scale": round(float(rng.uniform(0.5, 9)), 3),
                "weight": round(float(rng.normal()), 3),
            }
            for name in rng.choice(WORDS, 6, replace=False)
        ],
        "bias": round(float(rng.normal(0, 0.5)), 3),
        "threshold": round(float(rng.uniform(0.35, 0.65)), 3),
    }


def _rows(rng: np.random.Generator, model: Model, count: int, *, gaps: float) -> list[Row]:
    """Rows in an order of no meaning, with the features in an order of their own."""
    rows = []
    for _ in range(count):
        features = [model["features"][at] for at in rng.permutation(len(model["features"]))]
        values = [round(float(rng.normal(one["mean"], 2 * one["scale"])), 4) for one in features]
        rows.append(
            {one["name"]: None if rng.random() < gaps else value for one, value in zip(features, values, strict=True)}
        )
    return rows


def _predicted(model: Model, row: Row) -> dict[str, float]:
    """By the formula of the statement."""
    score = model["bias"]
    for one in model["features"]:
        value = row[one["name"]]
        score += 0.0 if value is None else one["weight"] * (value - one["mean"]) / one["scale"]
    chance = 1 / (1 + math.exp(-score)) if score > -700 else 0.0
    return {"probability": chance, "label": int(chance >= model["threshold"])}


def _good(model: Model, rows: list[Row], kind: str = "application/json") -> Asked:
    return Asked(json.dumps({"rows": rows}), rows=rows, model=model, type=kind)


def _predicting(rng: np.random.Generator) -> list[Model | Step]:
    """Batches of all sizes, then a threshold that is met exactly, and scores beyond every exponential."""
    model = _drawn(rng, "predict")
    batches = [_rows(rng, model, count, gaps=0.2) for count in (1, 2, 40, MAX_ROWS)]
    far = _rows(rng, model, 2, gaps=0)
    first = model["features"][0]
    first["weight"] = 1.0
    for row, sign in zip(far, (1e6, -1e6), strict=True):
        row[first["name"]] = sign
    whole: Row = {one["name"]: None for one in model["features"]}
    even = {**_drawn(rng, "even"), "bias": 0.0, "threshold": 0.5}
    none: Row = {one["name"]: None for one in even["features"]}
    kinds = ("application/json; charset=utf-8", "Application/JSON")
    steps: list[Model | Step] = [
        model,
        [_good(model, rows) for rows in (*batches, far, [whole])],
        [_good(model, batches[1], kind) for kind in kinds],
        even,
        [Asked("", path="/reload", code="even")],
        [_good(even, [none])],
    ]
    return steps


def _refusing(rng: np.random.Generator) -> list[Model | Step]:
    """Each error, a good request before and after all."""
    model = _drawn(rng, "validation")
    rows = _rows(rng, model, 30, gaps=0.1)
    name = model["features"][2]["name"]
    text = json.dumps({"rows": rows})

    def spoilt(at: int, **change: Any) -> str:
        changed = [dict(row) for row in rows]
        changed[at].update(change)
        return json.dumps({"rows": changed})

    def lacking(at: int) -> str:
        changed = [dict(row) for row in rows]
        del changed[at][name]
        return json.dumps({"rows": changed})

    number = '"' + name + '": '
    odd = [text.replace(number, number + prefix, 1) for prefix in ('NaN, "x": ', 'Infinity, "x": ', '-Infinity, "x": ')]
    broken = ["", "{", text[:-1], text + "]", text.replace('"', "'"), '{"rows": [\xff]}', *odd]
    shapes = ["[]", "null", '"rows"', "{}", '{"row": []}', '{"rows": {}}', '{"rows": [], "more": 1}', '{"rows": null}']
    values: tuple[Any, ...] = (True, False, "1.5", "", [1], {})
    others: tuple[Any, ...] = (None, 7, [], "row")
    bad = [
        *(Asked(body, status=400, code="malformed_json") for body in broken),
        *(Asked(body, status=422, code="bad_shape") for body in shapes),
        *(
            Asked(text, status=415, code="unsupported_media_type", type=kind)
            for kind in ("", "text/plain", "application/x-json")
        ),
        Asked('{"rows": []}', status=422, code="empty_batch"),
        Asked(json.dumps({"rows": rows[:1] * (MAX_ROWS + 1)}), status=413, code="batch_too_large"),
        *(Asked(lacking(at), status=422, code="missing_field", row=at) for at in (0, 17, 29)),
        *(Asked(spoilt(at, extra=1), status=422, code="extra_field", row=at) for at in (0, 29)),
        *(Asked(spoilt(11, **{name: value}), status=422, code="wrong_type", row=11) for value in values),
        *(Asked(json.dumps({"rows": [*rows[:3], one]}), status=422, code="wrong_type", row=3) for one in others),
        Asked("", method="GET", path="/nowhere", type="", status=404, code="not_found"),
        Asked("", method="GET", path="/predict", type="", status=405, code="method_not_allowed"),
        Asked("", method="POST", path="/healthz", type="", status=405, code="method_not_allowed"),
    ]
    good = _good(model, rows)
    return [model, [good, *bad, good]]


def _together(rng: np.random.Generator) -> list[Model | Step]:
    """Rounds of requests at the same time, each of another number of rows."""
    model = _drawn(rng, "concurrency")
    sizes = [60 + rng.permutation(200)[:PARALLEL] for _ in range(4)]
    return [model, *([_good(model, _rows(rng, model, int(one), gaps=0.1)) for one in size] for size in sizes)]


def _counted(rng: np.random.Generator) -> tuple[list[Model | Step], dict[str, float]]:
    """Good requests one by one and together, refused ones, another model, and what must then have been counted."""
    model, second = _drawn(rng, "first"), _drawn(rng, 'v"2"\\n')
    batches = [_rows(rng, model, int(one), gaps=0.1) for one in rng.integers(1, 30, 3 + PARALLEL)]
    later = _rows(rng, second, int(rng.integers(20, 40)), gaps=0)
    refused = [
        *(Asked("{", status=400, code="malformed_json") for _ in range(3)),
        *(Asked('{"rows": []}', status=422, code="empty_batch") for _ in range(2)),
        Asked("{}", status=415, code="unsupported_media_type", type="text/csv"),
    ]
    good = [_good(model, rows) for rows in batches]
    steps: list[Model | Step] = [
        model,
        good[:3],
        good[3:],
        refused,
        [Asked("", method="GET", path="/predict", type="", status=405, code="method_not_allowed")],
        second,
        [Asked("", path="/reload", code=second["version"])],
        [_good(second, later)],
        [Asked("", method="GET", path="/metrics", type="")],
    ]
    said = [_predicted(model, row)["label"] for rows in batches for row in rows]
    said += [_predicted(second, row)["label"] for row in later]
    labels = Counter(said)
    found = {
        'predict_requests_total{status="200"}': len(batches) + 1,
        'predict_requests_total{status="400"}': 3,
        'predict_requests_total{status="415"}': 1,
        'predict_requests_total{status="422"}': 2,
        "predict_rows_total": len(said),
        'predict_label_total{label="0"}': labels[0],
        'predict_label_total{label="1"}': labels[1],
        'model_info{version="v\\"2\\"\\\\n"}': 1,
    }
    return steps, {name: float(value) for name, value in found.items()}


def _living(rng: np.random.Generator) -> list[Model | Step]:
    """From nothing to a model, past bad ones, to another."""
    first, second = _drawn(rng, "one"), _drawn(rng, "two")
    text, flag, flat = (json.loads(json.dumps(second)) for _ in range(3))
    text["features"][0]["weight"] = "1"
    flag["features"][3]["mean"] = True
    flat["features"][1]["scale"] = 0
    rows, more = _rows(rng, first, 5, gaps=0), _rows(rng, second, 5, gaps=0)

    def state(status: int) -> Step:
        return [
            Asked("", method="GET", path=path, type="", status=code)
            for path, code in (("/healthz", 200), ("/readyz", status))
        ]

    def load(code: str, status: int = 200) -> Step:
        return [Asked("", path="/reload", status=status, code=code)]

    ready, keeps = state(200), [_good(first, rows)]
    bad = [{**second, "version": 2}, {"version": "three"}, text, flag, flat, {**second, "bias": "0"}, {"text": "{"}]
    steps: list[Model | Step] = [
        state(503),
        [Asked(json.dumps({"rows": rows}), status=503, code="not_ready")],
        load("bad_model", 422),
        first,
        state(503),
        load("one"),
        ready,
        keeps,
    ]
    for one in bad:
        steps += [one, load("bad_model", 422), ready, keeps]
    return [*steps, second, keeps, load("two"), [_good(second, more)]]


def _played(
    attempt: Attempt, scenes: dict[str, list[Model | Step]], metrics: dict[str, float] | None = None
) -> dict[str, list[bool]]:
    """Whether each reply is right, by scene."""
    plan = {name: [_step(one) for one in steps] for name, steps in scenes.items()}
    inputs = {
        "drive.py": (Path(__file__).parent / "boxed" / "drive.py").read_bytes(),
        "plan.json": json.dumps(plan).encode(),
    }
    told = attempt.run(["python3", "drive.py"], inputs=inputs, outputs=["replies.json"]).json("replies.json")
    found = {}
    for name, steps in scenes.items():
        asked = [step for step in steps if isinstance(step, list)]
        replies = _replies(told, name, asked)
        found[name] = [
            _is_right(one, reply, metrics or {})
            for step, answers in zip(asked, replies, strict=True)
            for one, reply in zip(step, answers, strict=True)
        ]
    return found


def _step(step: Model | Step) -> dict[str, Any]:
    if isinstance(step, dict):
        return {"model": step.get("text") or json.dumps(step)}
    requests = [{name: getattr(one, name) for name in ("method", "path", "type", "body")} for one in step]
    return {"requests": requests, "parallel": PARALLEL if len(step) == PARALLEL else 1}


def _replies(told: Any, name: str, asked: list[Step]) -> list[list[Reply]]:
    """What the driver wrote down, which the submission may have rewritten."""
    try:
        replies = [[(int(one[0]), str(one[1]), str(one[2])) for one in step] for step in told[name]]
    except (IndexError, KeyError, OverflowError, TypeError, ValueError):
        raise InvalidOutput("the replies cannot be read") from None
    if [len(step) for step in replies] != [len(step) for step in asked]:
        raise InvalidOutput("replies are missing")
    return replies


def _is_right(asked: Asked, reply: Reply, metrics: dict[str, float]) -> bool:
    status, kind, body = reply
    if status != asked.status:
        return False
    if asked.path in ("/healthz", "/readyz") and not asked.code:
        return True
    if asked.path == "/metrics":
        return kind.startswith("text/plain") and _are_counted(body, metrics)
    said = _json(body) if kind.startswith("application/json") else None
    if not isinstance(said, dict):
        return False
    if asked.rows is not None and asked.model is not None:
        return said.keys() == {"version", "predictions"} and _agrees(said, asked.model, asked.rows)
    if asked.status == 200:
        return said == {"version": asked.code}
    return said == {"error": {"code": asked.code, "row": asked.row}} and type(said["error"]["row"]) is type(asked.row)


def _json(body: str) -> Any:
    """What a reply says; None, which is never right, if it says nothing that can be read."""
    try:
        return parse_json(body.encode(), "a reply")
    except InvalidOutput:
        return None


def _agrees(said: dict[str, Any], model: Model, rows: list[Row]) -> bool:
    answers = said["predictions"]
    if said["version"] != model["version"] or not isinstance(answers, list) or len(answers) != len(rows):
        return False
    for answer, row in zip(answers, rows, strict=True):
        wanted = _predicted(model, row)
        if not isinstance(answer, dict) or answer.keys() != wanted.keys():
            return False
        chance, label = answer["probability"], answer["label"]
        if type(chance) not in (int, float) or type(label) is not int or label != wanted["label"]:
            return False
        if not abs(chance - wanted["probability"]) <= TOLERANCE:
            return False
    return True


def _are_counted(body: str, wanted: dict[str, float]) -> bool:
    """Whether the samples are there with their types; samples of 0 and other metrics may be there, too."""
    lines = body.split("\n")
    found = {}
    for line in lines:
        name, _, value = line.rpartition(" ")
        if name.partition("{")[0] in (
            "predict_requests_total",
            "predict_rows_total",
            "predict_label_total",
            "model_info",
        ):
            if name in found or not _is_number(value):
                return False
            found[name] = float(value)
    return all(one in lines for one in TYPES) and {name: one for name, one in found.items() if one} == wanted


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
