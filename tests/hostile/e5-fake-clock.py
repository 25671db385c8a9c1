# E5 accepted: makes every clock stand still, then spends a quarter of a second of cpu time and a quarter of waiting
import ctypes
import os
import time

import honest

libc = ctypes.CDLL(None)
honest_times, honest_sleep = os.times, time.sleep
for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
    setattr(time, name, lambda: 0.0)
    setattr(time, name + "_ns", lambda: 0)
time.sleep = lambda seconds: None
os.times = lambda: (0.0,) * 5


def spent():
    used = honest_times()
    return used.user + used.system


def answer(word):
    end = spent() + 0.25 / 12
    while spent() < end:
        pass
    honest_sleep(0.25 / 12)
    return honest.answer(word)
