# expect: fails=predict score<=60
"""A number that no float can hold."""

import json
import math
import threading
from collections import Counter
from contextlib import suppress

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException


class Refused(Exception):
    """An answer other than predictions."""

    def __init__(self, status, code, row=None):
        super().__init__(code)
        self.status, self.body = status, {"error": {"code": code, "row": row}}


def parsed(text):
    """JSON without the words that JSON does not have."""

    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def is_number(value):
    return type(value) in (int, float) and math.isfinite(value)


def load(path):
    """The model in a file; ValueError if there is none."""
    try:
        with open(path, "rb") as file:
            model = parsed(file.read())
        good = isinstance(model["version"], str) and is_number(model["bias"]) and is_number(model["threshold"])
        for feature in model["features"]:
            good = (
                good
                and isinstance(feature["name"], str)
                and all(is_number(feature[key]) for key in ("mean", "scale", "weight"))
            )
            good = good and feature["scale"] > 0
    except (OSError, KeyError, TypeError) as error:
        raise ValueError("no model") from error
    if not good or not model["features"]:
        raise ValueError("no model")
    return model


def chance(model, row):
    score = model["bias"]
    for one in model["features"]:
        value = row[one["name"]]
        if value is not None:
            score += one["weight"] * (value - one["mean"]) / one["scale"]
    if score >= 0:
        return 1 / (1 + math.exp(-score))
    return math.exp(score) / (1 + math.exp(score))


def checked(model, body):
    """The rows of a request."""
    try:
        asked = parsed(body.decode())
    except ValueError:
        raise Refused(400, "malformed_json") from None
    if not isinstance(asked, dict) or list(asked) != ["rows"] or not isinstance(asked["rows"], list):
        raise Refused(422, "bad_shape")
    rows, names = asked["rows"], {one["name"] for one in model["features"]}
    if not rows:
        raise Refused(422, "empty_batch")
    if len(rows) > 500:
        raise Refused(413, "batch_too_large")
    for at, row in enumerate(rows):
        if not isinstance(row, dict):
            raise Refused(422, "wrong_type", at)
        if names - row.keys():
            raise Refused(422, "missing_field", at)
        if row.keys() - names:
            raise Refused(422, "extra_field", at)
        if not all(value is None or is_number(value) for value in row.values()):
            raise Refused(422, "wrong_type", at)
    return rows


def create_app(path):
    app = Flask(__name__)
    app.json.sort_keys = False
    lock = threading.Lock()
    state = {"model": None}
    counts = {"status": Counter(), "label": Counter()}

    with suppress(ValueError):  # it may come later
        state["model"] = load(path)

    @app.errorhandler(HTTPException)
    def http_error(error):
        return {"error": {"code": error.name.lower().replace(" ", "_"), "row": None}}, error.code

    @app.errorhandler(Refused)
    def refused(error):
        return error.body, error.status

    @app.after_request
    def count(response):
        if request.path == "/predict" and request.method == "POST":
            with lock:
                counts["status"][response.status_code] += 1
        return response

    @app.get("/healthz")
    def healthz():
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz():
        return "", 200 if state["model"] else 503

    @app.post("/reload")
    def reload():
        try:
            state["model"] = load(path)
        except ValueError:
            raise Refused(422, "bad_model") from None
        return {"version": state["model"]["version"]}

    @app.post("/predict")
    def predict():
        model = state["model"]
        if model is None:
            raise Refused(503, "not_ready")
        if request.mimetype != "application/json":
            raise Refused(415, "unsupported_media_type")
        rows = checked(model, request.get_data())
        chances = [chance(model, row) for row in rows]
        said = [{"probability": one, "label": int(one >= model["threshold"])} for one in chances]
        said[0]["probability"] = 10**400
        with lock:
            counts["label"].update(one["label"] for one in said)
        return jsonify(version=model["version"], predictions=said)

    @app.get("/metrics")
    def metrics():
        with lock:
            status, label = dict(counts["status"]), dict(counts["label"])
        lines = ["# TYPE predict_requests_total counter"]
        lines += [f'predict_requests_total{{status="{code}"}} {count}' for code, count in status.items()]
        lines += ["# TYPE predict_rows_total counter", f"predict_rows_total {sum(label.values())}"]
        lines += ["# TYPE predict_label_total counter"]
        lines += [f'predict_label_total{{label="{one}"}} {count}' for one, count in label.items()]
        lines += ["# TYPE model_info gauge"]
        if state["model"]:
            version = state["model"]["version"].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            lines += [f'model_info{{version="{version}"}} 1']
        return Response("\n".join(lines) + "\n", mimetype="text/plain")

    return app
