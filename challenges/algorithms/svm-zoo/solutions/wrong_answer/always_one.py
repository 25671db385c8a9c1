# expect: fails=accuracy score<=0
"""The class that most training rows have, for all."""

import numpy as np


def train_predict(x, y, rows):
    return np.full(len(rows), np.bincount(y).argmax())
