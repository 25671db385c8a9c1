# E2 runtime_error: leaves politely, with exit code 0, before it has answered
import sys


def answer(word):
    sys.exit(0)
