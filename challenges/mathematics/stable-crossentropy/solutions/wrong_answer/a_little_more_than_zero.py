# expect: fails=extreme score<=60
"""Adds a little, so that the logarithm has something to hold on to."""

import numpy as np


def loss_and_grad(logits, y, weight):
    z = logits.astype(np.float64)
    rows = np.arange(len(y))
    counts = y >= 0
    label = np.where(counts, y, 0)
    heft = np.where(counts, weight[label], 0.0)
    whole = heft.sum()
    if whole == 0:
        return {"loss": 0.0, "grad": np.zeros(z.shape)}
    z = z - z.max(axis=1)[:, None]
    shares = np.log(np.exp(z) / np.exp(z).sum(axis=1)[:, None] + 1e-12)
    loss = -(heft[counts] * shares[rows, label][counts]).sum() / whole
    grad = np.exp(shares)
    grad[rows, label] -= 1.0
    return {"loss": float(loss), "grad": grad * heft[:, None] / whole}
