# expect: verdict=wrong_answer score<=0
"""Replays the answers of the statement's examples, whatever is asked."""

import numpy as np


def nothing(brief):
    return {
        "target": np.full(len(brief["started"]), 7),
        "usable": np.zeros(len(brief["columns"]), dtype=bool),
        "threshold": 0.0,
        "baseline": 0.0,
        "split": "",
        "approach": "",
        "sentence": "",
    }


def frame(*args: object) -> object:
    return nothing(args[0])
