"""An ASGI application without a framework. The model is loaded when the server starts up, before it listens."""

import json
import os

from service.trees import compiled
from service.wire import Problem, parsed

LARGEST = 4 * 2**20


class App:
    def __init__(self, path):
        self.path = path
        self.ensemble = None

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["type"] == "http":
            status, value = await self.answered(scope, receive)
            content = json.dumps(value, allow_nan=False).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})

    async def lifespan(self, receive, send):
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                with open(self.path, "rb") as file:
                    self.ensemble = compiled(json.load(file))
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def answered(self, scope, receive):
        match scope["method"], scope["path"]:
            case "GET", "/healthz":
                return 200, {"ok": True}
            case "GET", "/readyz":
                return (200 if self.ensemble else 503), {"ok": self.ensemble is not None}
            case "POST", "/predict":
                try:
                    rows = parsed(await self.body(receive), self.ensemble.features)
                except Problem as problem:
                    return problem.status, {"error": {"code": problem.code, "message": problem.text}}
                return 200, {"model": self.ensemble.id, "predictions": self.ensemble(rows)}
        return 404, {"error": {"code": "not_found", "message": "no such place"}}

    async def body(self, receive):
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > LARGEST:
                raise Problem(413, "batch_too_large", "the body is too large")
            more = message.get("more_body", False)
        return b"".join(parts)


app = App(os.environ.get("MODEL", "/model/model.json"))
