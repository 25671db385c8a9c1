# expect: only=costs score<=80
"""Compares with doing nothing only."""

import numpy as np


def frame(brief):
    target = np.array(
        [
            outcome(started, after, brief)
            for started, after in zip(brief["started"], brief["happened_after"], strict=True)
        ]
    )
    decision, costs = brief["decision"], brief["costs"]
    moment = brief["events"][decision["after"]] + decision["hours"]
    usable = [is_known(column, brief["events"], moment) for column in brief["columns"]]
    known = target >= 0
    rate = np.mean(target[known])
    gain = costs["missed"] - costs["found_in_time"]
    threshold = costs["false_alarm"] / (costs["false_alarm"] + gain)
    act = rate * costs["found_in_time"] + (1 - rate) * costs["false_alarm"]
    ruled = any(tells(column, target) for column, good in zip(brief["columns"], usable, strict=True) if good)
    return {
        "target": target,
        "usable": np.array(usable),
        "threshold": threshold,
        "baseline": float(rate * costs["missed"]),
        "split": split(brief),
        "approach": "rule" if ruled else "model",
        "sentence": f"For each {brief['thing']}, {decision['hours']} hours after it is {decision['after']}, say whether "
        f"{brief['outcome']} within {brief['within']} days; "
        f"acting pays from a probability of {100 * threshold:.1f} % on.",
    }


def outcome(started, after, brief):
    if after is not None:
        return 1 if after <= brief["within"] else 0
    return 0 if started + brief["within"] <= brief["extracted"] else -1


def is_known(column, events, moment):
    if column["overwritten"] or column["kind"] == "key":
        return False
    return events[column["after"]] + column["hours"] < moment


def split(brief):
    if brief["serves"] == "new" and len(set(brief["owner"])) < len(brief["owner"]):
        return "group"
    return "time" if brief["used"] == "later" else "random"


def tells(column, target):
    yes = {value for value, label in zip(column["values"], target, strict=True) if label == 1}
    no = {value for value, label in zip(column["values"], target, strict=True) if label == 0}
    if None in yes | no:
        return False
    if column["kind"] == "word":
        return not yes & no
    return max(yes) < min(no) or max(no) < min(yes)
