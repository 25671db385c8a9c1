# expect: fails=not-constant score<=0
"""One label for all."""

import csv
import itertools

import numpy as np


def read(name):
    with open(name) as file:
        return [(row["text"].split(), int(row.get("label") or 0)) for row in csv.DictReader(file)]


train, test = read("data/train.csv"), read("data/test.csv")
labels = np.array([label for _, label in train])
words = sorted({word for text, _ in train for word in text})
always = [word for word in words if sum(word in text for text, _ in train) == len(train)]


def order(text, pair):
    return int(text.index(pair[0]) > text.index(pair[1]))


pair = max(
    itertools.permutations(always, 2), key=lambda one: np.mean([order(text, one) for text, _ in train] == labels)
)
turns = np.array([order(text, pair) for text, _ in train]) != labels


def between(text):
    first, last = sorted(text.index(word) for word in pair)
    return text[first + 1 : last]


def turned(word):
    """How often sentences with this word once between the two are turned around."""
    has = np.array([between(text).count(word) == 1 for text, _ in train])
    return turns[has].mean() if has.any() else 0


turning = [word for word in words if turned(word) > 0.6]
with open("predictions.csv", "w") as file:
    file.write("row,label\n")
    for row, (text, _) in enumerate(test):
        label = (order(text, pair) + sum(word in turning for word in between(text))) % 2
        file.write(f"{row},1\n")
