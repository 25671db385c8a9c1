import http.server


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        word = self.path[1:]
        print(word, flush=True)
        self.send_response(200, word)
        self.send_header(word, word)
        self.send_header("Content-Length", str(len(word)))
        self.end_headers()
        self.wfile.write(word.encode())


http.server.HTTPServer(("", 8080), Handler).serve_forever()
