# E3 runtime_error: exits as if ended by the judge
import os


def answer(word):
    os._exit(143)
