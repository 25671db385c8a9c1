"""Answers one row less where there are many."""

import json
import math
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8080
PATH = "/model/model.json"


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


def load(path):
    with open(path, encoding="utf-8") as file:
        model = json.load(file)
    model["kinds"] = {feature["name"]: feature["kind"] for feature in model["features"]}
    model["known"] = {feature["name"]: set(feature.get("categories", ())) for feature in model["features"]}
    return model


def no_constant(name):
    raise ValueError(f"{name} is no JSON")


def rows_of(model, body):
    try:
        asked = json.loads(body.decode("utf-8"), parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise Refused(400, "malformed_json", "the body is no JSON") from None
    if not isinstance(asked, dict) or set(asked) != {"rows"} or not isinstance(asked["rows"], list):
        raise Refused(422, "bad_shape", "the body is an object with the key rows and a list of objects in it")
    rows = asked["rows"]
    if not rows:
        raise Refused(422, "empty_batch", "there are no rows")
    if len(rows) > 200:
        raise Refused(413, "batch_too_large", "there are more than 200 rows")
    for row in rows:
        check(model, row)
    return rows


def check(model, row):
    kinds = model["kinds"]
    if not isinstance(row, dict):
        raise Refused(422, "bad_shape", "a row is an object")
    if kinds.keys() - row.keys():
        raise Refused(422, "missing_field", "a row lacks a feature")
    if row.keys() - kinds.keys():
        raise Refused(422, "extra_field", "a row has a field that is no feature")
    for name, value in row.items():
        wanted = (int, float) if kinds[name] == "numeric" else str
        if value is not None and (isinstance(value, bool) or not isinstance(value, wanted)):
            raise Refused(422, "wrong_type", f"{name} is of another type")


def way(model, node, value):
    name = node["feature"]
    if model["kinds"][name] == "numeric":
        if value is None:
            return node["missing"]
        return "left" if value <= node["split"] else "right"
    if value not in model["known"][name]:
        return node["missing"]
    return "left" if value in node["among"] else "right"


def predict(model, row):
    score = model["base"]
    for nodes in model["trees"]:
        node = nodes[0]
        while "leaf" not in node:
            node = nodes[node[way(model, node, row[node["feature"]])]]
        score += node["leaf"]
    power = math.exp(-abs(score))
    return {"score": score, "probability": (1 if score >= 0 else power) / (1 + power)}


def answer(model, method, path, body):
    """Status and JSON value of the reply; `model` is None as long as it is not loaded."""
    if (method, path) == ("GET", "/healthz"):
        return 200, {"status": "alive"}
    if (method, path) == ("GET", "/readyz"):
        return (503, {"status": "loading"}) if model is None else (200, {"status": "ready"})
    if (method, path) != ("POST", "/predict"):
        return 404, {"error": {"code": "not_found", "message": "there is nothing here"}}
    if model is None:
        return 503, {"error": {"code": "not_ready", "message": "the model is not loaded yet"}}
    try:
        rows = rows_of(model, body)
    except Refused as refused:
        return refused.status, {"error": {"code": refused.code, "message": str(refused)}}
    return 200, {"model": model["id"], "predictions": [predict(model, row) for row in rows[:100]]}


class Handler(BaseHTTPRequestHandler):
    model = None

    def reply(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, value = answer(Handler.model, self.command, self.path, body)
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = reply

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = Server(("0.0.0.0", PORT), Handler)

    def prepare():
        Handler.model = load(PATH)

    threading.Thread(target=prepare).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
