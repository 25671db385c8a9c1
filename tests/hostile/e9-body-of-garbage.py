# E9 invalid_output: a right header and a body that is no JSON
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, b"[" * 4000))
    time.sleep(10**6)
    return "x"
