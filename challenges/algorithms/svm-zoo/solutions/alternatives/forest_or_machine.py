"""The better of a balanced forest and two machines, by cross-validation."""

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC


def train_predict(x, y, rows):
    known = {"class_weight": "balanced", "random_state": 0}
    tried = [
        ExtraTreesClassifier(100, min_samples_leaf=3, **known),
        make_pipeline(StandardScaler(), LinearSVC(C=0.01, **known)),
        *(make_pipeline(RobustScaler(), SVC(C=5, gamma=gamma, **known)) for gamma in (0.02, 0.2, 2)),
    ]
    scores = [cross_val_score(one, x, y, scoring="balanced_accuracy").mean() for one in tried]
    return tried[int(np.argmax(scores))].fit(x, y).predict(rows)
