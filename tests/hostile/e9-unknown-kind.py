# E9 invalid_output|runtime_error: a frame of a kind there is none of
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, b"{}", kind=255))
    time.sleep(10**6)
    return "x"
