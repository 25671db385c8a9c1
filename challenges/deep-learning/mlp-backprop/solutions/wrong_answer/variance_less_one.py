# expect: fails=forward score<=60
"""The variance of a batch divides by n - 1 everywhere."""

import numpy as np
from scipy.special import erf

EPSILON = 1e-5


def forward(layers, x, train):
    out, _, running = run(layers, x, train)
    return {"out": out, **running}


def run(layers, x, train):
    kept, running = [], {}
    for number, layer in enumerate(layers):
        before = x
        if layer["kind"] == "dense":
            x = x @ layer["W"] + layer["b"]
        elif layer["kind"] == "relu":
            x = np.maximum(x, 0)
        elif layer["kind"] == "gelu":
            x = x * phi(x)
        elif layer["kind"] == "dropout":
            before = (layer["draws"] >= layer["rate"]) / (1 - layer["rate"]) if train else 1
            x = x * before
        else:
            mean, var = layer["mean"], layer["var"]
            if train:
                mean, var = 0.9 * mean + 0.1 * x.mean(axis=0), 0.9 * var + 0.1 * x.var(axis=0, ddof=1)
            running[f"{number}.mean"], running[f"{number}.var"] = mean, var
            if train:
                mean, var = x.mean(axis=0), x.var(axis=0, ddof=1)
            root = np.sqrt(var + EPSILON)
            unit = (x - mean) / root
            before = unit, root
            x = layer["gamma"] * unit + layer["beta"]
        kept.append(before)
    return x, kept, running


def phi(x):
    return (1 + erf(x / np.sqrt(2))) / 2


def backward(layers, x, grad):
    _, kept, _ = run(layers, x, True)
    found = {}
    for number, layer in reversed(list(enumerate(layers))):
        before = kept[number]
        if layer["kind"] == "dense":
            found[f"{number}.W"] = before.T @ grad
            found[f"{number}.b"] = grad.sum(axis=0)
            grad = grad @ layer["W"].T
        elif layer["kind"] == "relu":
            grad = grad * (before > 0)
        elif layer["kind"] == "gelu":
            density = np.exp(-(before**2) / 2) / np.sqrt(2 * np.pi)
            grad = grad * (phi(before) + before * density)
        elif layer["kind"] == "dropout":
            grad = grad * before
        else:
            unit, root = before
            found[f"{number}.gamma"] = (grad * unit).sum(axis=0)
            found[f"{number}.beta"] = grad.sum(axis=0)
            grad = grad * layer["gamma"]
            grad = (grad - grad.mean(axis=0) - unit * (grad * unit).mean(axis=0)) / root
    return {"x": grad, **found}


def adam(theta, grads, rate, beta1, beta2, epsilon):
    m = v = np.zeros(len(theta))
    trace = []
    for t, g in enumerate(grads, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        theta = theta - rate * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        trace.append(theta)
    return np.array(trace)
