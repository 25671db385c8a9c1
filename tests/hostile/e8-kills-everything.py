# E8 runtime_error: kills every process it can see
import os
import signal
import time


def answer(word):
    os.kill(-1, 9)
    time.sleep(10**6)
