# D3 runtime_error: the outline of an exception, written by hand with the question in every field
import json

import honest


def answer(word):
    sock, id = honest.conversation()
    outline = {"type": word, "line": word, "message": word, word: word}
    sock.sendall(honest.frame(id, json.dumps(outline).encode(), kind=17))
    raise SystemExit
