# E9 invalid_output: an answer to this question and one to the next, whose id it guesses
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, b'"x"') + honest.frame(os.urandom(16), b'"x"'))
    return "x"
