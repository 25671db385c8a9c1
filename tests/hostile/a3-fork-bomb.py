# A3 time_limit|runtime_error: a fork bomb
import os


def answer(word):
    while True:
        try:
            os.fork()
        except OSError:
            pass
