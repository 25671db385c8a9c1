# expect: fails=no-weak-spot score<=60
"""A single decision tree."""

from sklearn.tree import DecisionTreeClassifier


def train_predict(x, y, rows):
    return DecisionTreeClassifier(random_state=0).fit(x, y).predict(rows)
