# E8 accepted: stops the process that carries its streams, but its parent is deaf to it
import os
import signal
import time

import honest


def answer(word):
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(0.1)
    return honest.answer(word)
