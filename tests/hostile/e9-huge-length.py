# E9 invalid_output: a frame that claims 2^63 bytes
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, raw_size=2**63))
    return "x"
