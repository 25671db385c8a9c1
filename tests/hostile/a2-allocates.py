# A2 memory_limit: allocates until it is killed
def answer(word):
    hoard = []
    while True:
        hoard.append(bytearray(2**20))
