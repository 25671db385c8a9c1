# expect: fails=not-constant score<=0
"""Says that everybody leaves."""

import pandas as pd

test = pd.read_csv("data/test.csv")
test[["id"]].assign(churn=1).to_csv("predictions.csv", index=False)
