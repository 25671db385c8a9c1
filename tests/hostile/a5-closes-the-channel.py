# A5 time_limit: closes every descriptor it has, the channel too, and goes on running
import os
import time


def answer(word):
    os.closerange(0, 256)
    time.sleep(10**6)
