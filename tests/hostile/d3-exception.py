# D3 runtime_error: an exception with the question as its text, its class, its notes and its cause
def answer(word):
    made = type(word, (ValueError,), {"__module__": word, "__qualname__": word})
    error = made(word * 1000)
    error.add_note(word)
    raise error from KeyError(word)
