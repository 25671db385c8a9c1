# E8 accepted: kills every process it can see, but its parent is deaf to it
import os
import signal
import time

import honest


def answer(word):
    try:
        os.kill(-1, 9)
    except ProcessLookupError:
        pass  # nobody but the first and itself
    time.sleep(0.1)
    return honest.answer(word)
