# E9 invalid_output: a frame of a later version
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, b'"x"', version=2))
    return "x"
