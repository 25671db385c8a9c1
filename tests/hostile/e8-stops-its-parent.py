# E8 time_limit: stops the process that carries its streams
import os
import signal
import time


def answer(word):
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(10**6)
