# D3 runtime_error: a class named like the question that passes for a built-in one
import builtins


def answer(word):
    made = type(word, (Exception,), {})
    setattr(builtins, word, made)
    raise made(word)
