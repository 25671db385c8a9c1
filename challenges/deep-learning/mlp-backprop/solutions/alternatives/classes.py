"""A class a layer, the gradient of batch normalisation step by step, and Adam in closed form."""

import math

import numpy as np

erf = np.vectorize(math.erf, otypes=[float])


class Dense:
    def __init__(self, layer):
        self.W, self.b = layer["W"], layer["b"]

    def forward(self, x, train):
        self.x = x
        return np.einsum("ni,io->no", x, self.W) + self.b

    def backward(self, grad):
        return np.einsum("no,io->ni", grad, self.W), {"W": np.einsum("ni,no->io", self.x, grad), "b": grad.sum(0)}


class Norm:
    def __init__(self, layer):
        self.layer = layer

    def forward(self, x, train):
        layer = self.layer
        self.mean, self.var = layer["mean"], layer["var"]
        mean, var = self.mean, self.var
        if train:
            n = len(x)
            mean = x.sum(0) / n
            var = ((x - mean) ** 2).sum(0) / n
            self.mean = self.mean + 0.1 * (mean - self.mean)
            self.var = self.var + 0.1 * (var * n / (n - 1) - self.var)
        self.centred, self.root = x - mean, np.sqrt(var + 1e-5)
        return layer["gamma"] * self.centred / self.root + layer["beta"]

    def backward(self, grad):
        n = len(grad)
        unit = self.centred / self.root
        of_unit = grad * self.layer["gamma"]
        of_var = (of_unit * self.centred).sum(0) * -0.5 / self.root**3
        of_mean = -(of_unit / self.root).sum(0) - 2 * of_var * self.centred.mean(0)
        grad_x = of_unit / self.root + of_var * 2 * self.centred / n + of_mean / n
        return grad_x, {"gamma": (grad * unit).sum(0), "beta": grad.sum(0)}


class Pointwise:
    """A layer whose slope is a factor for each number."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x, train):
        kind = self.layer["kind"]
        if kind == "relu":
            self.slope = np.where(x > 0, 1.0, 0.0)
            return x * self.slope
        if kind == "gelu":
            share = 0.5 + 0.5 * erf(x / math.sqrt(2))
            self.slope = share + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
            return x * share
        kept = self.layer["draws"] >= self.layer["rate"] if train else True
        self.slope = np.where(kept, 1 / (1 - self.layer["rate"]) if train else 1.0, 0.0)
        return x * self.slope

    def backward(self, grad):
        return grad * self.slope, {}


def built(layers):
    return [{"dense": Dense, "norm": Norm}.get(layer["kind"], Pointwise)(layer) for layer in layers]


def forward(layers, x, train):
    steps = built(layers)
    for step in steps:
        x = step.forward(x, train)
    norms = [(number, step) for number, step in enumerate(steps) if isinstance(step, Norm)]
    return {"out": x} | {f"{n}.{name}": getattr(step, name) for n, step in norms for name in ("mean", "var")}


def backward(layers, x, grad):
    steps, found = built(layers), {}
    for step in steps:
        x = step.forward(x, True)
    for number, step in reversed(list(enumerate(steps))):
        grad, own = step.backward(grad)
        found |= {f"{number}.{name}": value for name, value in own.items()}
    return found | {"x": grad}


def adam(theta, grads, rate, beta1, beta2, epsilon):
    steps = np.arange(1, len(grads) + 1)
    ages = steps[:, None] - steps

    def moment(values, beta):
        weights = np.where(ages >= 0, (1 - beta) * beta ** np.maximum(ages, 0), 0.0)
        return weights @ values / (1 - beta**steps)[:, None]

    moves = moment(grads, beta1) / (np.sqrt(moment(grads**2, beta2)) + epsilon)
    return theta - rate * np.cumsum(moves, axis=0)
