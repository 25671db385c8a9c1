"""Answers with values that careless readers take for anything: NaN, numbers too large, keys twice, lists without end."""

import itertools
import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

with open("/model/model.json") as file:
    MODEL = json.load(file)["id"]
ODD = itertools.cycle(["NaN", "1e999", "-Infinity", "true", '"0.5"', "1" * 5000, "[" * 50_000, '{"$": "array"}'])
turn = itertools.count()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        rows = max(1, self.rfile.read(int(self.headers["Content-Length"])).count(b"}") - 1)
        self.close_connection = True
        self.send_response(200)
        if next(turn) % 4 == 3:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while True:
                self.wfile.write(b"10000\r\n" + b"null" * 0x4000 + b"\r\n")
        odd = next(ODD)
        one = f'{{"score": {odd}, "score": {odd}, "probability": {odd}}}'
        content = f'{{"model": {json.dumps(MODEL)}, "predictions": [{", ".join([one] * min(rows, 3))}]}}'.encode()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
Server(("0.0.0.0", 8080), Handler).serve_forever()
