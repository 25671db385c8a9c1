"""Answers wrongly at once, and leaves helpers that go on: one writes a second answer behind the first, one only computes."""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

helpers = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        rows = max(0, self.rfile.read(int(self.headers["Content-Length"])).count(b"}") - 1)
        content = json.dumps({"model": "late", "predictions": [{"score": 0.0, "probability": 0.5}] * rows}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
        if len(helpers) < 2:
            helpers.append(None)
            judged = os.getpid()
            if os.fork() == 0:
                end = time.monotonic() + 3
                while time.monotonic() < end and os.getppid() == judged:
                    sum(range(10_000))
                try:
                    os.write(self.connection.fileno(), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                except OSError:
                    pass
                os._exit(0)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
