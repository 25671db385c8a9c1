"""Serves the submitted application on the loopback and sends it what plan.json says; runs beside the submission."""

import http.client
import json
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flask import Flask
from werkzeug.serving import make_server

SECONDS = 10
MODEL = Path("model.json")


def sent(port, request):
    """[status, content type, body]; status 0 if no answer came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        headers = {"Content-Type": request["type"]} if request["type"] else {}
        connection.request(request["method"], request["path"], request["body"].encode("latin-1"), headers)
        reply = connection.getresponse()
        return [reply.status, reply.headers.get("Content-Type", ""), reply.read().decode("utf-8", "replace")]
    except (OSError, http.client.HTTPException):
        return [0, "", ""]
    finally:
        connection.close()


def played(steps, create_app):
    """Replies of a fresh application, step by step; a step that writes the model has none."""
    MODEL.unlink(missing_ok=True)
    if "model" in steps[0]:
        MODEL.write_text(steps.pop(0)["model"], encoding="utf-8")
    app = create_app(str(MODEL))
    if not isinstance(app, Flask):
        raise TypeError("create_app must return a Flask application")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    replies = []
    for step in steps:
        if "model" in step:
            MODEL.write_text(step["model"], encoding="utf-8")
            continue
        with ThreadPoolExecutor(max(1, step["parallel"])) as pool:
            replies.append(list(pool.map(lambda one: sent(server.port, one), step["requests"])))
    server.shutdown()
    return replies


def main():
    """All scenes of the plan."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    sys.path.insert(0, str(Path.cwd()))
    from solution import create_app

    scenes = json.loads(Path("plan.json").read_text(encoding="utf-8"))
    said = {name: played(steps, create_app) for name, steps in scenes.items()}
    Path("replies.json").write_text(json.dumps(said), encoding="utf-8")


main()
