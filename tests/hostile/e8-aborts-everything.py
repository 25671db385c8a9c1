# E8 runtime_error|time_limit: sends every signal to everybody
import os
import signal
import time


def answer(word):
    for number in range(1, 65):
        for pid in (1, os.getppid()):
            try:
                os.kill(pid, number)
            except OSError:
                pass
    time.sleep(10**6)
