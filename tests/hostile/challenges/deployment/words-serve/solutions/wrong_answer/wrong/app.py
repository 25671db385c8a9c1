import hashlib
import http.server


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        word = self.path[1:]
        body = ("no").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.HTTPServer(("", 8080), Handler).serve_forever()
