# A1 time_limit: a busy loop
def answer(word):
    while True:
        pass
