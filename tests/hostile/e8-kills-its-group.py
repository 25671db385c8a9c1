# E8 runtime_error: kills its own group of processes
import os
import signal
import time

import honest


def answer(word):
    os.killpg(0, 9)
    time.sleep(0.1)
    return honest.answer(word)
