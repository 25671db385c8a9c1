# expect: only=sentence score<=60
"""Conditions in the sentence from Z to A."""

import itertools
import json

import pandas as pd


def slices(table, error):
    frame = pd.DataFrame(table).assign(error=error)
    usual = error.mean()
    found = []
    for a, b in itertools.combinations(sorted(table), 2):
        for (x, y), wrong in frame.groupby([a, b])["error"]:
            if len(wrong) >= 60:
                surprise = (wrong.mean() - usual) * len(wrong) ** 0.5
                found.append((surprise, {a: x, b: y}, len(wrong), float(wrong.mean())))
    found.sort(key=lambda one: -one[0])
    return json.dumps([said(*one) for _, *one in found[:3]])


def said(where, count, rate):
    conditions = " and ".join(f"{name} = {value}" for name, value in sorted(where.items(), reverse=True))
    sentence = f"Of the {count} rows with {conditions}, {100 * rate:.1f} % are wrong."
    return {"where": where, "count": count, "rate": rate, "sentence": sentence}
