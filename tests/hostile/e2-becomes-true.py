# E2 runtime_error: becomes the program true, with exit code 0, before it has answered
import os


def answer(word):
    os.execv("/bin/true", ["true"])
