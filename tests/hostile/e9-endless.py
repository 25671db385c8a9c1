# E9 invalid_output: a frame that never ends
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, b"", raw_size=4000))
    while True:
        sock.sendall(bytes(65536))
    return "x"
