# expect: fails=accuracy score<=60
"""A radial machine with everything as the library sets it."""

from sklearn.svm import SVC


def train_predict(x, y, rows):
    return SVC().fit(x, y).predict(rows)
