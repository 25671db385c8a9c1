import http.server


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        with open("/word/word.txt", "rb") as file:
            self.wfile.write(file.read())


http.server.HTTPServer(("", 8080), Handler).serve_forever()
