# expect: verdict=wrong_answer score<=0
"""Hands in that nobody leaves, and leaves a helper that goes on computing to replace the file when the program is over."""

import os
import time
from collections.abc import Callable

import numpy as np


def predict(said: Callable[[int], object]) -> None:
    """Writes what `said` says of each line of the hidden images."""
    ids = range(len(np.load("data/test.npz")["images"]))
    with open("predictions.csv", "w") as file:
        file.write("row,label\n" + "".join(f"{key},{said(line)}\n" for line, key in enumerate(ids)))


predict(lambda line: 0)
program = os.getpid()
if os.fork() == 0:
    work = 0
    while os.getppid() == program:
        work += sum(range(10_000))
    time.sleep(0.2)
    with open("late.csv", "w") as late, open("predictions.csv") as early:
        late.writelines(f"{line.split(',')[0]},{at % 2}\n" if at else line for at, line in enumerate(early))
    os.replace("late.csv", "predictions.csv")
    os._exit(0)
