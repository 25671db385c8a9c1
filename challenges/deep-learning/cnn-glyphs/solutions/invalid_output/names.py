# expect: score<=0
"""Says names in place of numbers."""

import numpy as np
from sklearn.linear_model import RidgeClassifier

train, test = np.load("data/train.npz"), np.load("data/test.npz")


def flat(images):
    return images.reshape(len(images), -1) / 255


model = RidgeClassifier(100.0).fit(flat(train["images"]), train["labels"])
with open("predictions.csv", "w") as file:
    file.write("row,label\n")
    file.writelines(f"{row},shape {label}\n" for row, label in enumerate(model.predict(flat(test["images"]))))
