# expect: fails=no-weak-spot score<=60
"""The nearest neighbours in columns as they are."""

from sklearn.neighbors import KNeighborsClassifier


def train_predict(x, y, rows):
    return KNeighborsClassifier().fit(x, y).predict(rows)
