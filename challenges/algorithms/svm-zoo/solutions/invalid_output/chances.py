"""Chances in place of classes."""

import numpy as np
from sklearn.svm import SVC


def train_predict(x, y, rows):
    return np.asarray(SVC(probability=True, random_state=0).fit(x, y).predict_proba(rows)[:, 1])
