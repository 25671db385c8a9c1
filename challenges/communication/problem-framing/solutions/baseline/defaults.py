"""The right target, and the defaults for everything else: all columns, even odds, random folds, a model."""

import numpy as np


def frame(brief):
    target = np.array(
        [
            int(after <= brief["within"])
            if after is not None
            else (0 if start + brief["within"] <= brief["extracted"] else -1)
            for start, after in zip(brief["started"], brief["happened_after"], strict=True)
        ]
    )
    return {
        "target": target,
        "usable": np.ones(len(brief["columns"]), dtype=bool),
        "threshold": 0.5,
        "baseline": 0.5,
        "split": "random",
        "approach": "model",
        "sentence": f"For each {brief['thing']}, say whether {brief['outcome']}.",
    }
