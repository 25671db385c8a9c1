# expect: fails=no-weak-spot score<=60
"""Remembers the training rows and little else."""

from sklearn.svm import SVC


def train_predict(x, y, rows):
    return SVC(C=1e6, gamma=50).fit(x, y).predict(rows)
