# E9 invalid_output: an answer to a question nobody asked
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(bytes(16), b'"x"'))
    return "x"
