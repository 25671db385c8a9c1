# E5 accepted: makes every clock stand still, then spends half a second of cpu time and a third of waiting
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
    end = spent() + 0.5 / 12
    while spent() < end:
        pass
    honest_sleep(0.33 / 12)
    return honest.answer(word)
