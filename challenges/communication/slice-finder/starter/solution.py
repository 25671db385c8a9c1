import json

import numpy as np


def slices(table: dict[str, list[str]], error: np.ndarray) -> str:
    """The three slices of two conditions in which a model fails most, as JSON."""
    return json.dumps([])
