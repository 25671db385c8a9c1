# E2 runtime_error: leaves at once, with exit code 0, before it has answered
import os


def answer(word):
    os._exit(0)
