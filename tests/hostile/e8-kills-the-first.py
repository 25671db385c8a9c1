# E8 runtime_error|time_limit: ends the first process of its box as far as it may
import os
import signal
import time


def answer(word):
    os.kill(1, signal.SIGTERM)
    os.kill(1, signal.SIGKILL)
    time.sleep(10**6)
