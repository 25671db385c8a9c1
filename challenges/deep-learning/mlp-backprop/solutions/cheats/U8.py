# expect: verdict=wrong_answer score<=0
"""Answers wrongly at once and leaves a helper that goes on computing, to write its answer when nobody asks any more."""

import os

import numpy as np

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


def nothing(layers, x, names):
    """Zeros in the shape of whatever is asked for."""
    found = {"x": np.zeros(np.shape(x))}
    for number, layer in enumerate(layers):
        found |= {f"{number}.{name}": np.zeros(layer[name].shape) for name in names if name in layer}
    return found


def nowhere(layers, x):
    """Zeros in the shape of the output."""
    wide = [layer["W"].shape[1] for layer in layers if "W" in layer]
    found = nothing(layers, x, ("mean", "var"))
    return {"out": np.zeros((len(x), wide[-1] if wide else x.shape[1]))} | {n: v for n, v in found.items() if n != "x"}


def forward(*args: object) -> object:
    leave_one()
    return nowhere(*args[:2])


def backward(*args: object) -> object:
    leave_one()
    return nothing(*args[:2], ("W", "b", "gamma", "beta"))


def adam(*args: object) -> object:
    leave_one()
    return np.zeros(args[1].shape)
