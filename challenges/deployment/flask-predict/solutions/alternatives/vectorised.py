"""A class for the model, NumPy for the rows, plain responses."""

import json
import re
import threading

import numpy as np
from flask import Flask, Response, request

FIELDS = ("mean", "scale", "weight")


class NoModel(Exception):
    """The file holds none."""


def strict(text):
    """JSON whose numbers may be anything and whose words may not."""
    value = json.loads(text)
    if re.search(r"NaN|Infinity", re.sub(r'"(\\.|[^"\\])*"', "", text)):
        raise ValueError("no JSON")
    return value


class Model:
    def __init__(self, path):
        try:
            with open(path) as file:
                told = strict(file.read())
            self.version = told["version"]
            self.names = [one["name"] for one in told["features"]]
            numbers = [[one[field] for field in FIELDS] for one in told["features"]]
            plain = [told["bias"], told["threshold"], *(number for row in numbers for number in row)]
            if not all(type(one) in (int, float) for one in plain) or not self.names:
                raise NoModel
            if not all(type(one) is str for one in (self.version, *self.names)):
                raise NoModel
            self.mean, self.scale, self.weight = np.array(numbers, dtype=float).T
            self.bias, self.threshold = float(told["bias"]), float(told["threshold"])
        except (OSError, ValueError, LookupError, TypeError):
            raise NoModel from None
        if not (self.scale > 0).all():
            raise NoModel

    def predict(self, rows):
        values = np.array([[row[name] for name in self.names] for row in rows], dtype=float)
        with np.errstate(over="ignore"):
            parts = np.nan_to_num(self.weight * (values - self.mean) / self.scale, nan=0.0)
            chances = 1 / (1 + np.exp(-(self.bias + parts.sum(axis=1))))
        return [{"probability": float(one), "label": int(one >= self.threshold)} for one in chances]


def problem(model, kind, data):
    """(status, code, row) or the rows."""
    if model is None:
        return 503, "not_ready", None
    if kind.split(";")[0].strip().lower() != "application/json":
        return 415, "unsupported_media_type", None
    try:
        asked = strict(data.decode("utf-8"))
    except ValueError:
        return 400, "malformed_json", None
    match asked:
        case {"rows": list(rows)} if len(asked) == 1:
            pass
        case _:
            return 422, "bad_shape", None
    if len(rows) == 0:
        return 422, "empty_batch", None
    if len(rows) > 500:
        return 413, "batch_too_large", None
    for at, row in enumerate(rows):
        if type(row) is not dict:
            return 422, "wrong_type", at
        if any(name not in row for name in model.names):
            return 422, "missing_field", at
        if len(row) > len(model.names):
            return 422, "extra_field", at
        if any(type(one) not in (int, float, type(None)) for one in row.values()):
            return 422, "wrong_type", at
    return rows


def answer(body, status=200, kind="application/json"):
    return Response(body if isinstance(body, str) else json.dumps(body), status, content_type=kind)


def failed(status, code, row=None):
    return answer({"error": {"code": code, "row": row}}, status)


def create_app(path):
    app = Flask("predictions")
    lock = threading.Lock()
    numbers = {"predict_rows_total": 0, 'predict_label_total{label="0"}': 0, 'predict_label_total{label="1"}': 0}
    holder = []

    def renew():
        holder[:] = [Model(path)]

    def add(**amounts):
        with lock:
            for key, amount in amounts.items():
                numbers[key] = numbers.get(key, 0) + amount

    try:
        renew()
    except NoModel:
        holder.clear()

    @app.route("/healthz")
    def healthz():
        return answer("{}")

    @app.route("/readyz")
    def readyz():
        return answer("{}", 200 if holder else 503)

    @app.route("/reload", methods=["POST"])
    def reload():
        try:
            renew()
        except NoModel:
            return failed(422, "bad_model")
        return answer({"version": holder[0].version})

    @app.route("/predict", methods=["POST"])
    def predict():
        model = holder[0] if holder else None
        found = problem(model, request.headers.get("Content-Type", ""), request.data)
        if isinstance(found, tuple):
            add(**{f'predict_requests_total{{status="{found[0]}"}}': 1})
            return failed(*found)
        said = model.predict(found)
        ones = sum(one["label"] for one in said)
        add(
            **{
                'predict_requests_total{status="200"}': 1,
                "predict_rows_total": len(said),
                'predict_label_total{label="1"}': ones,
                'predict_label_total{label="0"}': len(said) - ones,
            }
        )
        return answer({"predictions": said, "version": model.version})

    @app.route("/metrics")
    def metrics():
        kinds = {"predict_requests_total": "counter", "predict_rows_total": "counter", "predict_label_total": "counter"}
        lines = [f"# TYPE {name} {kind}" for name, kind in {**kinds, "model_info": "gauge"}.items()]
        with lock:
            lines += [f"{name} {value}" for name, value in numbers.items()]
        for model in holder:
            version = model.version.translate({92: r"\\", 34: r"\"", 10: r"\n"})
            lines.append(f'model_info{{version="{version}"}} 1.0')
        return answer("\n".join([*lines, ""]), kind="text/plain; version=0.0.4")

    @app.errorhandler(404)
    def unknown(_):
        return failed(404, "not_found")

    @app.errorhandler(405)
    def other(_):
        return failed(405, "method_not_allowed")

    return app
