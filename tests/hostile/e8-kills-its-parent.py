# E8 accepted: kills the process that carries its streams, but its parent is deaf to it
import os
import signal
import time

import honest


def answer(word):
    os.kill(os.getppid(), 9)
    time.sleep(0.1)
    return honest.answer(word)
