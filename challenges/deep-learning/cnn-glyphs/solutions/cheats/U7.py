# expect: verdict=wrong_answer score<=0
"""Replays the labels of the public rows, line by line, whatever the hidden rows say."""

from collections.abc import Callable

import numpy as np


def predict(said: Callable[[int], object]) -> None:
    """Writes what `said` says of each line of the hidden images."""
    ids = range(len(np.load("data/test.npz")["images"]))
    with open("predictions.csv", "w") as file:
        file.write("row,label\n" + "".join(f"{key},{said(line)}\n" for line, key in enumerate(ids)))


labels = np.load("data/train.npz")["labels"]
predict(lambda line: labels[line % len(labels)])
