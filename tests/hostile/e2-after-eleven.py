# E2 runtime_error: answers all questions but the last and leaves, with exit code 0, before it has answered
import sys

import honest

count = 0


def answer(word):
    global count
    count += 1
    if count == 12:
        sys.exit(0)
    return honest.answer(word)
