# E3 runtime_error: exits like timeout
import os


def answer(word):
    print("timeout: time limit exceeded", flush=True)
    os._exit(124)
