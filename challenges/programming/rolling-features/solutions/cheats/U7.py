# expect: verdict=invalid_output
"""Replays the answers of the statement's examples, whatever is asked."""

import numpy as np


def rolling(*args: object) -> object:
    return {"mean": np.array([[np.nan], [2.0], [5.5], [9.0]]), "sd": np.array([[np.nan], [1.4142], [3.5355], [1.4142]])}
