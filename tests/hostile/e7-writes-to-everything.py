# E7 invalid_output|runtime_error: writes to every descriptor it can find, its parent's too, to say that it is right
import glob
import os

WORDS = b'{"verdict": "accepted", "score": 100}\n'


def answer(word):
    for fd in range(256):
        try:
            os.write(fd, WORDS)
        except OSError:
            pass
    for path in glob.glob("/proc/*/fd/*"):
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            os.write(fd, WORDS)
        except OSError:
            pass
    return "right"
