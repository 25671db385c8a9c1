# expect: score<=0
"""Leaves the last row out."""

import csv

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression


def read(name):
    with open(name) as file:
        return list(csv.DictReader(file))


train, test = read("data/train.csv"), read("data/test.csv")
counts = CountVectorizer(ngram_range=(1, 1))
seen = counts.fit_transform(row["text"] for row in train)
model = LogisticRegression(C=0.1, max_iter=200).fit(seen, [row["label"] for row in train])
said = model.predict(counts.transform(row["text"] for row in test))
with open("predictions.csv", "w") as file:
    file.write("row,label\n")
    file.writelines(f"{row},{label}\n" for row, label in enumerate(said[1:]))
