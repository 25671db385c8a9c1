"""Gives missing values to a model that takes none."""

import pandas as pd
from sklearn.linear_model import LogisticRegression

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
numbers = train.select_dtypes("number").columns.drop("churn")
model = LogisticRegression().fit(train[numbers], train["churn"])
test[["id"]].assign(churn=model.predict(test[numbers])).to_csv("predictions.csv", index=False)
