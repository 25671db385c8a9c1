# expect: verdict=wrong_answer score<=0
"""Draws nothing and leaves a helper that goes on computing, to replace the description when the program is over."""

import os
import time

import matplotlib.pyplot as plt

program = os.getpid()
if os.fork() == 0:
    work = 0
    while os.getppid() == program:
        work += sum(range(10_000))
    time.sleep(0.2)
    with open("table-1.json", "w") as file:
        file.write('{"size": [12.0, 9.0]}')
    os._exit(0)


def draw(table: object) -> object:
    """Axes with names and nothing in them."""
    return plt.subplot_mosaic([["teams", "trend"], ["correlation", "scale"]], figsize=(12, 9))[0]
