# E3 runtime_error: raises MemoryError
def answer(word):
    raise MemoryError("out of memory")
