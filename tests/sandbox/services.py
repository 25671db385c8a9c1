"""Small services for tests: a Dockerfile around one Python file, started in a sandbox, asked through its relay."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sandbox.containers import DockerSandbox
from sandbox.inside import frames
from sandbox.types import BuildLimits, Limits, Service

DOCKERFILE = b"""FROM python:3.11-slim
WORKDIR /app
COPY app.py .
USER 10001
EXPOSE 8080
CMD ["python", "app.py"]
"""
BUILD = BuildLimits(seconds=60, size_mb=50, memory_mb=512)
LIMITS = Limits(cpu_seconds=10, wall_seconds=20, memory_mb=128, processes=32, output_kb=64, files_mb=16)
HEAD = """
import http.server, os, signal, socket, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args): pass
    def answer(self, body=b'ok', status=200, **headers):
        self.send_response(status)
        for name, value in headers.items(): self.send_header(name.replace('_', '-'), value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self): self.answer()
    def do_POST(self): self.answer(self.rfile.read(int(self.headers['Content-Length'])))
def serve(port=8080, handler=None):
    http.server.ThreadingHTTPServer(('0.0.0.0', port), handler or Handler).serve_forever()
"""


def app(code: str) -> dict[str, bytes]:
    """The files of a service whose app.py is HEAD and this code."""
    return {"Dockerfile": DOCKERFILE, "app.py": (HEAD + code).encode()}


@contextmanager
def serving(
    sandbox: DockerSandbox,
    code: str | Mapping[str, bytes],
    *,
    limits: Limits = LIMITS,
    files: Mapping[str, bytes] | None = None,
) -> Iterator[Service]:
    """A running service of this code; ended and removed with its image."""
    given = app(code) if isinstance(code, str) else code
    image = sandbox.build(given, BUILD, labels={})
    try:
        service = sandbox.serve(image, limits=limits, files=files or {}, labels={})
        try:
            yield service
        finally:
            service.finish()
    finally:
        image.remove()


def ready(service: Service, path: str = "/", seconds: float = 10) -> dict[str, bool]:
    """What the relay says after waiting for it."""
    told = {"port": 8080, "path": path, "seconds": seconds}
    found: dict[str, bool] = json.loads(service.ask(frames.READY, json.dumps(told).encode(), cap=4096).json)
    return found


def request(
    service: Service, method: str = "GET", path: str = "/", body: bytes = b"", *, port: int = 8080, **changed: Any
) -> tuple[dict[str, Any], bytes]:
    """One request: what the relay says of it, and the body."""
    one = {"method": method, "path": path, "headers": {}, "size": len(body), "seconds": 5, "cap": 1 << 16, **changed}
    told = {"port": port, "parallel": 1, "requests": [one]}
    frame = service.ask(frames.HTTP, json.dumps(told).encode(), body, cap=1 << 20)
    return json.loads(frame.json)["replies"][0], frame.raw
