"""One head, and no mask at all."""

import numpy as np


def attend(q, k, v, heads, causal, pad):
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])
    shares = np.exp(scores - scores.max(axis=2, keepdims=True))
    return shares / shares.sum(axis=2, keepdims=True) @ v


class Decoder:
    def __init__(self, wq, wk, wv, wo, heads):
        self.weights, self.seen = (wq, wk, wv, wo), []

    def step(self, x):
        wq, wk, wv, wo = self.weights
        self.seen.append(x)
        rows = np.array(self.seen)[None]
        return attend((x @ wq)[None, None], rows @ wk, rows @ wv, 1, False, None)[0, 0] @ wo
