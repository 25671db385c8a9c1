# expect: fails=accuracy score<=30
"""The three nearest images, pixel by pixel."""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

train, test = np.load("data/train.npz"), np.load("data/test.npz")


def flat(images):
    return images.reshape(len(images), -1) / 255


model = KNeighborsClassifier(3).fit(flat(train["images"]), train["labels"])
with open("predictions.csv", "w") as file:
    file.write("row,label\n")
    file.writelines(f"{row},{label}\n" for row, label in enumerate(model.predict(flat(test["images"]))))
