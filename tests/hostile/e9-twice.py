# E9 invalid_output: the same answer twice
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, b'"x"') * 2)
    return "x"
