# E8 runtime_error: kills the process that carries its streams
import os
import signal
import time


def answer(word):
    os.kill(os.getppid(), 9)
    time.sleep(10**6)
