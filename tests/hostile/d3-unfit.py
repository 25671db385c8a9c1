# D3 runtime_error|invalid_output: a result that is no plain data, with the question in its reason
import json

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, json.dumps({"reason": word}).encode(), kind=18))
    raise SystemExit
