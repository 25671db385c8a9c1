"""Least squares on the columns as they are."""

import pandas as pd
from sklearn.linear_model import LinearRegression

NUMBERS = ["area_m2", "rooms", "distance_km", "age_years", "floor", "energy_kwh"]

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def columns(table):
    return table[NUMBERS].fillna(train[NUMBERS].mean()).join(pd.get_dummies(table["zone"], dtype=float))


model = LinearRegression().fit(columns(train), train["price"])
test[["id"]].assign(price=model.predict(columns(test))).to_csv("predictions.csv", index=False)
