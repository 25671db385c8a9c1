# expect: verdict=wrong_answer score<=0
"""Answers wrongly at once and leaves a helper that goes on computing, to write its answer when nobody asks any more."""

import os

import numpy as np


def loss_and_grad(*args: object) -> object:
    loss_and_grad.__globals__["loss_and_grad"] = lambda *args: {
        "loss": 0.0,
        "grad": np.zeros((1, 1)),
    }  # one helper is enough
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
    return {"loss": 0.0, "grad": np.zeros((1, 1))}
