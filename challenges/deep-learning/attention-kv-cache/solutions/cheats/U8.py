# expect: verdict=wrong_answer score<=0
"""Answers wrongly at once and leaves a helper that goes on computing, to write its answer when nobody asks any more."""

import os

import numpy as np


def attend(*args: object) -> object:
    attend.__globals__["attend"] = lambda *args: np.zeros(np.shape(args[0]))  # one helper is enough
    judged = os.getpid()
    if os.fork() == 0:
        work = 0
        while os.getppid() == judged:
            work += sum(range(10_000))
        for name in os.listdir("/proc/self/fd"):
            try:
                os.write(int(name), b"6.0")
            except OSError:
                continue
        os._exit(0)
    return np.zeros(np.shape(args[0]))


class Decoder:
    def __init__(self, *args: object) -> None:
        pass

    def step(self, x: object) -> object:
        return attend(x)
