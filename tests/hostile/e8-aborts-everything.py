# E8 accepted: sends every signal to everybody, but its parent is deaf to it
import os
import signal
import time

import honest


def answer(word):
    for number in range(1, 65):
        for pid in (1, os.getppid()):
            try:
                os.kill(pid, number)
            except OSError:
                pass
    time.sleep(0.1)
    return honest.answer(word)
