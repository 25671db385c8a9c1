# expect: fails=no-weak-spot score<=60
"""A cubic kernel for everything."""

from sklearn.svm import SVC


def train_predict(x, y, rows):
    return SVC(kernel="poly").fit(x, y).predict(rows)
