"""Writes its predictions under another name."""

import pandas as pd

pd.read_csv("data/test.csv")[["id"]].assign(churn=0).to_csv("submission.csv", index=False)
