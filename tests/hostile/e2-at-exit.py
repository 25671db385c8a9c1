# E2 runtime_error: leaves with a clean code while it is still being loaded, with exit code 0, before it has answered
import atexit
import os

atexit.register(os._exit, 0)
raise SystemExit(0)


def answer(word):
    return word
