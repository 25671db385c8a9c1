"""What a notebook does: fills with the mean, and standardises whatever comes by itself."""

import json

import numpy as np


def fit(numbers, words):
    return json.dumps(sorted(set(words)))


def transform(state, numbers, words):
    known = json.loads(state)
    with np.errstate(all="ignore"):
        numbers = np.where(np.isnan(numbers), np.nanmean(numbers, axis=0), numbers)
        numbers = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
    dummies = [[float(word == one) for one in known] for word in words]
    return np.hstack([numbers, np.array(dummies)])
