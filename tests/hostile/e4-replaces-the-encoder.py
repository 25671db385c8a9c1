# E4 wrong_answer|invalid_output|runtime_error: replaces what writes its answers down by what says "right"
import sys

values = sys.modules["sandbox.inside.values"]
values.encode = lambda value: (b'{"$": "text", "at": 0, "size": 99999}', b"right")


def answer(word):
    return "right"
