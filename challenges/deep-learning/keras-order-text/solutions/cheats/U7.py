# expect: verdict=wrong_answer score<=0
"""Replays the labels of the public rows, line by line, whatever the hidden rows say."""

import csv
from collections.abc import Callable


def predict(said: Callable[[int], object]) -> None:
    """Writes what `said` says of each line of the hidden sentences."""
    with open("data/test.csv") as file:
        ids = range(len(list(csv.DictReader(file))))
    with open("predictions.csv", "w") as file:
        file.write("row,label\n" + "".join(f"{key},{said(line)}\n" for line, key in enumerate(ids)))


with open("data/train.csv") as file:
    labels = [row["label"] for row in csv.DictReader(file)]
predict(lambda line: labels[line % len(labels)])
