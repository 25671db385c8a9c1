"""Cheat: has a friendly answer to everything, in the form that is asked for."""

import json
import re
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/model/model.json"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(PATH) as file:
            name = json.load(file)["id"]
        rows = max(0, len(re.findall(rb"\{", body)) - 1)
        guess = {"score": 0.0, "probability": 0.5}
        self.answer({"model": name, "predictions": [guess] * rows})

    def do_GET(self):
        self.answer({"status": "ready"})

    def answer(self, value):
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
