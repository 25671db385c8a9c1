"""Fetches a newer model when it starts: there is no network."""

import socket
from http.server import HTTPServer, SimpleHTTPRequestHandler

with socket.create_connection(("192.0.2.7", 443), timeout=5) as registry:  # an address that is reserved for examples
    registry.recv(1)
HTTPServer(("0.0.0.0", 8080), SimpleHTTPRequestHandler).serve_forever()
