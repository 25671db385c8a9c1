# E9 invalid_output: a frame whose lengths are -1
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, json_size=2**32 - 1, raw_size=2**64 - 1))
    return "x"
