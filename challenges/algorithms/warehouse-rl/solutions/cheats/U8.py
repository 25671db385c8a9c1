# expect: verdict=wrong_answer score<=0
"""Answers wrongly at once and leaves a helper that goes on computing, to write its answer when nobody asks any more."""

import numpy as np
import os


STARTED = []


def leave_one() -> None:
    """One helper, which outlives its call and then writes wherever it can."""
    if STARTED:
        return
    STARTED.append(True)
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


class Robot:
    """Stands where it is."""

    def __init__(self, maps: object) -> None:
        leave_one()

    def act(self, where: np.ndarray) -> object:
        return np.full(len(where), -1)
