# E9 time_limit: a frame whose last byte never comes
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, b'"x"')[:-1])
    time.sleep(10**6)
    return "x"
