# expect: only=ignored score<=60
"""Takes a negative label for one counted from the end."""

import numpy as np


def loss_and_grad(logits, y, weight):
    z = logits.astype(np.float64)
    rows = np.arange(len(y))
    counts = y > -2
    label = np.where(counts, y, 0) % len(weight)
    heft = np.where(counts, weight[label], 0.0)
    whole = heft.sum()
    if whole == 0:
        return {"loss": 0.0, "grad": np.zeros(z.shape)}
    z = z - z.max(axis=1)[:, None]
    shares = z - np.log(np.exp(z).sum(axis=1))[:, None]
    loss = -(heft[counts] * shares[rows, label][counts]).sum() / whole
    grad = np.exp(shares)
    grad[rows, label] -= 1.0
    return {"loss": float(loss), "grad": grad * heft[:, None] / whole}
