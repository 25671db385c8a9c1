# D3 wrong_answer: prints its questions everywhere and returns them as its answers
import logging
import sys
import warnings

import honest


def answer(word):
    print(word, flush=True)
    print(word, file=sys.stderr, flush=True)
    logging.error("asked for %s", word)
    warnings.warn(word)
    return word
