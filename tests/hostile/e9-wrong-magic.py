# E9 invalid_output: a frame of another protocol
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, b'"x"', magic=b"PK"))
    return "x"
