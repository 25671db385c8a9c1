# expect: only=slices score<=69
"""The highest rates, however few rows they are of."""

import itertools
import json

import pandas as pd


def slices(table, error):
    frame = pd.DataFrame(table).assign(error=error)
    usual = error.mean()
    found = []
    for a, b in itertools.combinations(sorted(table), 2):
        for (x, y), wrong in frame.groupby([a, b])["error"]:
            if len(wrong) > 0:
                surprise = wrong.mean()
                found.append((surprise, {a: x, b: y}, len(wrong), float(wrong.mean())))
    found.sort(key=lambda one: -one[0])
    return json.dumps([said(*one) for _, *one in found[:3]])


def said(where, count, rate):
    conditions = " and ".join(f"{name} = {value}" for name, value in where.items())
    sentence = f"Of the {count} rows with {conditions}, {100 * rate:.1f} % are wrong."
    return {"where": where, "count": count, "rate": rate, "sentence": sentence}
