# expect: only=f1 score<=0
"""Balanced class weights, still one straight line."""

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

train = pd.read_csv("data/train.csv").drop(columns="exit_survey")
test = pd.read_csv("data/test.csv").drop(columns="exit_survey")
both = pd.get_dummies(pd.concat([train.drop(columns=["id", "churn"]), test.drop(columns="id")]))
both = both.fillna(both[: len(train)].median()).astype(float)
X, y = both[: len(train)], train["churn"].to_numpy()
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced"))
chance = model.fit(X, y).predict_proba(both[len(train) :])[:, 1]
test[["id"]].assign(churn=(chance >= 0.5).astype(int)).to_csv("predictions.csv", index=False)
