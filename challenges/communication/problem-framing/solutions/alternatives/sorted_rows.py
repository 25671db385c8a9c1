"""Finds a rule by sorting: along one column the target changes once at most, and never within a value."""

import numpy as np


def frame(brief):
    after = np.array([np.nan if one is None else one for one in brief["happened_after"]])
    over = np.array(brief["started"]) + brief["within"] <= brief["extracted"]
    target = np.where(np.isnan(after), np.where(over, 0, -1), (after <= brief["within"]).astype(int))
    keep = target >= 0
    moment = brief["events"][brief["decision"]["after"]] + brief["decision"]["hours"]
    usable = np.array(
        [
            one["kind"] != "key"
            and not one["overwritten"]
            and brief["events"][one["after"]] + one["hours"] <= moment - 1
            for one in brief["columns"]
        ]
    )
    missed, alarm, found = (brief["costs"][name] for name in ("missed", "false_alarm", "found_in_time"))
    wait = np.where(target[keep] == 1, missed, 0).mean()
    act = np.where(target[keep] == 1, found, alarm).mean()
    rules = [column for column, good in zip(brief["columns"], usable, strict=True) if good and changes(column, target)]
    threshold = 1 / (1 + (missed - found) / alarm)
    people = len(np.unique(brief["owner"]))
    if brief["serves"] == "new" and people < len(target):
        folds = "group"
    else:
        folds = {"later": "time", "now": "random"}[brief["used"]]
    return {
        "target": target,
        "usable": usable,
        "threshold": threshold,
        "baseline": float(min(wait, act)),
        "split": folds,
        "approach": "rule" if rules else "model",
        "sentence": "For each {}, {} hours after it is {}, say whether {} within {} days; "
        "acting pays from a probability of {:.1f} % on.".format(
            brief["thing"],
            brief["decision"]["hours"],
            brief["decision"]["after"],
            brief["outcome"],
            brief["within"],
            100 * threshold,
        ),
    }


def changes(column, target):
    pairs = sorted((value, label) for value, label in zip(column["values"], target, strict=True) if value is not None)
    pairs = [(value, label) for value, label in pairs if label >= 0]
    if len(pairs) < (target >= 0).sum():
        return False
    steps = list(zip(pairs, pairs[1:], strict=False))
    if any(one[0] == other[0] and one[1] != other[1] for one, other in steps):
        return False
    return column["kind"] == "word" or sum(one[1] != other[1] for one, other in steps) == 1
