# expect: verdict=wrong_answer score<=0
"""Replays the answer of the public sample, whatever is asked."""

import numpy as np


def loss_and_grad(*args: object) -> object:
    return {"loss": 1.126928, "grad": np.array([[0.0596, -0.0596], [0.4404, -0.4404], [0.0, 0.0]])}
