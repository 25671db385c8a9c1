# expect: fails=f1 score<=0
"""Trusts exit_survey, which is filled in when the customer has left."""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import StratifiedKFold, cross_val_predict

CATEGORIES = ["plan", "region", "autopay", "exit_survey"]

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
columns = [name for name in train.columns if name not in ("id", "churn")]
for name in CATEGORIES:
    levels = sorted(train[name].dropna().unique())
    for table in (train, test):
        table[name] = pd.Categorical(table[name], levels)


def model(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=150,
        max_leaf_nodes=12,
        min_samples_leaf=15,
        l2_regularization=1.0,
        max_features=0.6,
        categorical_features=CATEGORIES,
        random_state=seed,
    )


X, y = train[columns], train["churn"].to_numpy()
folds = [StratifiedKFold(5, shuffle=True, random_state=seed) for seed in range(2)]
held_out = np.mean(
    [cross_val_predict(model(s), X, y, cv=fold, method="predict_proba")[:, 1] for s, fold in enumerate(folds)], axis=0
)
precision, recall, thresholds = precision_recall_curve(y, held_out)
f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
best = np.argmax(np.convolve(f1[:-1], np.ones(15) / 15, "same"))  # smoothed: single peaks are luck

chance = np.mean([model(seed).fit(X, y).predict_proba(test[columns])[:, 1] for seed in range(5)], axis=0)
test[["id"]].assign(churn=(chance >= thresholds[best]).astype(int)).to_csv("predictions.csv", index=False)
