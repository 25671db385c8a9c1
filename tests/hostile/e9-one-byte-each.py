# E9 invalid_output|time_limit: a million frames of one byte, each sent alone
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    small = honest.frame(id, b"1")
    for n in range(10**6):
        for byte in small:
            sock.send(bytes([byte]))
    return "x"
