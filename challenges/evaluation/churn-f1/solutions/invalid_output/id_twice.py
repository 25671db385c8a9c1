"""Hands in one customer twice."""

import pandas as pd

test = pd.read_csv("data/test.csv")
said = test[["id"]].assign(churn=(test["days_since_login"] > 30).astype(int))
pd.concat([said, said[:1]]).to_csv("predictions.csv", index=False)
