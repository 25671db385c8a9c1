# E8 runtime_error: kills its own group of processes
import os
import signal
import time


def answer(word):
    os.killpg(0, 9)
    time.sleep(10**6)
