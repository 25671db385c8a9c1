# E8 accepted: ends the first process of its box as far as it may, which is deaf to it
import os
import signal
import time

import honest


def answer(word):
    os.kill(1, signal.SIGTERM)
    os.kill(1, signal.SIGKILL)
    time.sleep(0.1)
    return honest.answer(word)
