import pandas as pd

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
test[["id"]].assign(price=train["price"].mean()).to_csv("predictions.csv", index=False)
