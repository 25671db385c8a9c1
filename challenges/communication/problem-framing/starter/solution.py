import numpy as np


def frame(brief):
    rows, columns = len(brief["started"]), len(brief["columns"])
    return {
        "target": np.zeros(rows, dtype=np.int64),
        "usable": np.ones(columns, dtype=bool),
        "threshold": 0.5,
        "baseline": 0.0,
        "split": "random",
        "approach": "model",
        "sentence": "",
    }
