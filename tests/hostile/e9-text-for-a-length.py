# E9 invalid_output: NaN where lengths should be
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(b"AY\x01\x10" + id + b"NaN NaN NaN ")
    return "x"
