"""Copies the model next to itself before it starts: the root file system cannot be written to."""

import shutil
from http.server import HTTPServer, SimpleHTTPRequestHandler

shutil.copy("/model/model.json", "/app/model.json")
HTTPServer(("0.0.0.0", 8080), SimpleHTTPRequestHandler).serve_forever()
