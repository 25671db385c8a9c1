# E3 runtime_error: sends itself SIGKILL
import os


def answer(word):
    os.kill(os.getpid(), 9)
