# expect: only=f1 score<=0
"""Sorts the ids but not the predictions."""

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

train = pd.read_csv("data/train.csv").drop(columns="exit_survey")
test = pd.read_csv("data/test.csv").drop(columns="exit_survey")
both = pd.get_dummies(pd.concat([train.drop(columns=["id", "churn"]), test.drop(columns="id")]))
model = HistGradientBoostingClassifier(random_state=0).fit(both[: len(train)], train["churn"])
said = pd.DataFrame({"id": test["id"].sort_values().to_numpy(), "churn": model.predict(both[len(train) :])})
said.to_csv("predictions.csv", index=False)
