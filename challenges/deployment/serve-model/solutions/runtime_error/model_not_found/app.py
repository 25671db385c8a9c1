"""Looks for the model in another place than it is mounted at."""

import json
from http.server import HTTPServer, SimpleHTTPRequestHandler

with open("/models/model.json") as file:
    MODEL = json.load(file)
HTTPServer(("0.0.0.0", 8080), SimpleHTTPRequestHandler).serve_forever()
