# E3 runtime_error: raises TimeoutError
def answer(word):
    raise TimeoutError("time limit exceeded")
