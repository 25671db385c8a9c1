# E3 runtime_error: sends itself the signal of a spent cpu limit
import os
import signal


def answer(word):
    os.kill(os.getpid(), signal.SIGXCPU)
