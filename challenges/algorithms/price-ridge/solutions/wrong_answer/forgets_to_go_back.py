# expect: fails=r2 score<=0
"""Predicts the logarithm of the price."""

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NUMBERS = ["area_m2", "rooms", "distance_km", "age_years", "floor", "energy_kwh"]

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
for table in (train, test):
    table["area_m2"] = table["area_m2"].where(table["area_m2"] < 500, table["area_m2"] / 100)
    table["distance_km"] = np.log(table["distance_km"])
middle = train[NUMBERS].median()
zones = sorted(train["zone"].unique())


def columns(table):
    """An intercept and a slope of every number for every zone, and what was missing."""
    numbers = table[NUMBERS].fillna(middle).assign(one=1.0).to_numpy()
    inside = (table["zone"].to_numpy()[:, None] == zones).astype(float)
    products = (inside[:, :, None] * numbers[:, None, :]).reshape(len(table), -1)
    return np.hstack([products, table[NUMBERS].isna().to_numpy()])


model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13)))
model.fit(columns(train), np.log(train["price"]))
test[["id"]].assign(price=model.predict(columns(test))).to_csv("predictions.csv", index=False)
