# expect: fails=all-classes score<=0
"""One shape for all."""

import numpy as np
from sklearn.linear_model import RidgeClassifier

train, test = np.load("data/train.npz"), np.load("data/test.npz")


def flat(images):
    return images.reshape(len(images), -1) / 255


model = RidgeClassifier(100.0).fit(flat(train["images"]), train["labels"])
with open("predictions.csv", "w") as file:
    file.write("row,label\n")
    file.writelines(f"{row},{label}\n" for row, label in enumerate([0] * len(test["images"])))
