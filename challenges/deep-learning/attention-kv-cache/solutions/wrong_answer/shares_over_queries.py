# expect: fails=full score<=60
"""Normalises over the queries."""

import numpy as np


def attend(q, k, v, heads, causal, pad):
    (b, t, d), s = q.shape, k.shape[1]

    def parts(x):
        return x.reshape(b, x.shape[1], heads, d // heads).transpose(0, 2, 1, 3)

    scores = parts(q) @ parts(k).swapaxes(2, 3) / np.sqrt(d / heads)
    hidden = pad[:, None, None]
    if causal:
        hidden = hidden | (np.arange(s) > np.arange(t)[:, None] + s - t)
    scores[np.broadcast_to(hidden, scores.shape)] = -np.inf
    highest = scores.max(axis=2)[:, :, None]
    shares = np.exp(scores - np.where(highest == -np.inf, 0.0, highest))
    whole = shares.sum(axis=2)[:, :, None]
    out = (shares / np.where(whole == 0, 1.0, whole)) @ parts(v)
    return out.transpose(0, 2, 1, 3).reshape(b, t, d)


class Decoder:
    def __init__(self, wq, wk, wv, wo, heads):
        self.weights, self.heads = (wq, wk, wv, wo), heads
        self.keys = self.values = np.zeros((0, len(wq)))
        self.length = 0

    def step(self, x):
        wq, wk, wv, wo = self.weights
        if self.length == len(self.keys):
            room = np.zeros((self.length + 1, len(x)))
            self.keys, self.values = np.vstack([self.keys, room]), np.vstack([self.values, room])
        self.keys[self.length], self.values[self.length] = x @ wk, x @ wv
        self.length += 1
        keys, values = self.keys[None, : self.length], self.values[None, : self.length]
        nothing = np.zeros((1, self.length), dtype=bool)
        return attend((x @ wq)[None, None], keys, values, self.heads, False, nothing)[0, 0] @ wo
