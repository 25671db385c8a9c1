# E3 runtime_error: exits as if killed for memory
import os


def answer(word):
    print("Killed (out of memory)", flush=True)
    os._exit(137)
