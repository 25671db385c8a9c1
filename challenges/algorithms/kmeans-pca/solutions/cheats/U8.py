# expect: verdict=wrong_answer score<=0
"""Answers wrongly at once and leaves a helper that goes on computing, to write its answer when nobody asks any more."""

import os

import numpy as np


def kmeans(*args: object) -> object:
    kmeans.__globals__["kmeans"] = lambda *args: (
        {"labels": np.zeros(len(args[0]), dtype=np.int64), "centers": args[0][: args[1]] * 0, "inertia": 0.0}
        if len(args) == 3
        else {
            "components": args[0][: args[1]] * 0,
            "explained": args[0][0, : args[1]] * 0,
            "scores": args[0][:, : args[1]] * 0,
        }
    )  # one helper is enough
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
    return (
        {"labels": np.zeros(len(args[0]), dtype=np.int64), "centers": args[0][: args[1]] * 0, "inertia": 0.0}
        if len(args) == 3
        else {
            "components": args[0][: args[1]] * 0,
            "explained": args[0][0, : args[1]] * 0,
            "scores": args[0][:, : args[1]] * 0,
        }
    )


pca = kmeans
