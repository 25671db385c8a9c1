# A8 memory_limit: files and folders in shared memory, which has no bound of its own but that of the box
import os


def answer(word):
    made = 0
    while True:
        os.mkdir(f"/dev/shm/d{made}")
        open(f"/dev/shm/d{made}/f", "w").close()
        made += 2
