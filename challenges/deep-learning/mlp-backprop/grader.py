"""A small network against its own formulas; gradients by complex steps, which know nothing of backpropagation.

The complex step is that of Squire and Trapp, "Using complex variables to estimate derivatives of real functions"
(SIAM Review 40, 1998).
"""

from typing import Any

import numpy as np
from scipy.special import erf

from challenges.kit import Array, Attempt, Data, Fields, Score, close

SAME = close(rtol=1e-8, atol=1e-10)
EPSILON, MOMENTUM = 1e-5, 0.1
STEP = 1e-30
LEARNT = {"dense": ("W", "b"), "norm": ("gamma", "beta"), "relu": (), "gelu": (), "dropout": ()}

Layer = dict[str, Any]
Case = tuple[list[Layer], np.ndarray]


def generate(data: Data) -> None:
    """One public network as text. Hidden ones are drawn in `grade`."""
    layers, x = _sample(data)
    lines = [f"x {x.tolist()}"]
    for number, layer in enumerate(layers):
        parts = {name: value.tolist() for name, value in layer.items() if name != "kind"}
        lines.append(f"layer {number} {layer['kind']} {parts}")
    out, _ = _forward(layers, x, train=True)
    (data.public / "sample.txt").write_text("\n".join([*lines, f"out {out.round(8).tolist()}"]) + "\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public network and three steps of Adam: every group stands or falls with them."""
    case = _sample(data)
    right = _is_forward(attempt, *case, train=True) and _is_backward(attempt, *case)
    right = right and _is_adam(attempt, data.rng("sample steps"), 3, 2)
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """Each group has networks with the layer that it is about."""
    rng = data.rng("hidden networks")
    plain = [_network(rng, "dense relu dense", 7, 4), _network(rng, "dense norm relu dense", 6, 3)]
    square = [_network(rng, "dense relu dense norm dense", 9, 3, hidden=3), _zeros(rng)]
    modes = [_network(rng, "norm dense", 5, 3), _network(rng, "dense norm relu norm dense", 8, 2)]
    dropped = [_network(rng, "dropout dense dropout", 6, 4), _network(rng, "dense relu dropout dense", 5, 3)]
    smooth = [_network(rng, "dense gelu dense", 6, 4), _network(rng, "gelu", 6, 5, scale=3)]
    found: dict[str, bool | float] = {
        "forward": all(_is_forward(attempt, *case, train=True, only_out=True) for case in plain),
        "gradient": all(_is_backward(attempt, *case) for case in [*plain, *square]),
        "batchnorm-modes": all(
            _is_forward(attempt, layers, x, train=True) and _is_forward(attempt, layers, x[:rows], train=False)
            for layers, x in modes
            for rows in (1, len(x))
        ),
        "dropout": all(
            _is_forward(attempt, *case, train=True)
            and _is_backward(attempt, *case)
            and _is_forward(attempt, *case, train=False)
            for case in dropped
        ),
        "gelu": all(_is_forward(attempt, *case, train=True) and _is_backward(attempt, *case) for case in smooth),
        "adam": _is_adam(attempt, rng, 200, 5) and _is_adam(attempt, rng, 1, 3),
    }
    return Score.of(data.groups, found)


def _sample(data: Data) -> Case:
    rng = data.rng("sample")
    return [_layer(rng, "dense", 2, 3), {"kind": "relu"}, _layer(rng, "dense", 3, 1)], np.round(
        rng.normal(0, 1, (4, 2)), 2
    )


def _network(rng: np.random.Generator, kinds: str, rows: int, wide: int, *, hidden: int = 5, scale: float = 1) -> Case:
    x = rng.normal(0, scale, (rows, wide))
    layers = []
    for kind in kinds.split():
        layers.append(_layer(rng, kind, wide, hidden, rows))
        wide = hidden if kind == "dense" else wide
    return layers, x


def _zeros(rng: np.random.Generator) -> Case:
    """Whole numbers, so that a good part of what ReLU sees is exactly 0."""
    first = {"kind": "dense", "W": rng.integers(-1, 2, (3, 6)) * 1.0, "b": np.zeros(6)}
    return [first, {"kind": "relu"}, _layer(rng, "dense", 6, 2)], rng.integers(-1, 2, (8, 3)) * 1.0


def _layer(rng: np.random.Generator, kind: str, wide: int, out: int, rows: int = 1) -> Layer:
    if kind == "dense":
        return {"kind": kind, "W": np.round(rng.normal(0, 1, (wide, out)), 3), "b": np.round(rng.normal(0, 1, out), 3)}
    if kind == "norm":
        gamma, beta, mean = rng.normal(1, 0.5, wide), rng.normal(0, 1, wide), rng.normal(0, 1, wide)
        return {"kind": kind, "gamma": gamma, "beta": beta, "mean": mean, "var": rng.uniform(0.5, 2, wide)}
    if kind == "dropout":
        return {"kind": kind, "rate": float(rng.uniform(0.2, 0.6)), "draws": rng.random((rows, wide))}
    return {"kind": kind}


def _forward(layers: list[Layer], x: np.ndarray, *, train: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The output, and the running statistics after it. Holds for complex numbers close to the real line, too."""
    running: dict[str, np.ndarray] = {}
    for number, layer in enumerate(layers):
        kind = layer["kind"]
        if kind == "dense":
            x = x @ layer["W"] + layer["b"]
        elif kind == "relu":
            x = np.where(x.real > 0, x, 0)
        elif kind == "gelu":
            x = x * (1 + erf(x / np.sqrt(2))) / 2
        elif kind == "dropout" and train:
            x = np.where(layer["draws"] >= layer["rate"], x / (1 - layer["rate"]), 0)
        elif kind == "norm":
            mean, var = layer["mean"], layer["var"]
            if train:
                mean, now = x.mean(axis=0), ((x - x.mean(axis=0)) ** 2).mean(axis=0)
                unbiased = now * len(x) / (len(x) - 1)
                running[f"{number}.mean"] = (1 - MOMENTUM) * layer["mean"] + MOMENTUM * mean
                running[f"{number}.var"] = (1 - MOMENTUM) * layer["var"] + MOMENTUM * unbiased
                var = now
            else:
                running |= {f"{number}.mean": mean, f"{number}.var": var}
            x = layer["gamma"] * (x - mean) / np.sqrt(var + EPSILON) + layer["beta"]
    return x, running


def _gradients(layers: list[Layer], x: np.ndarray, weight: np.ndarray) -> dict[str, np.ndarray]:
    """Derivatives of sum(weight * output) by every number that is learnt, and by x."""

    def by(value: np.ndarray, replaced: Any) -> np.ndarray:
        gradient = np.zeros(value.shape)
        for at in np.ndindex(value.shape):
            moved = value.astype(complex)
            moved[at] += STEP * 1j
            gradient[at] = (weight * _forward(*replaced(moved), train=True)[0]).sum().imag / STEP
        return gradient

    found = {"x": by(x, lambda moved: (layers, moved))}
    for number, layer in enumerate(layers):
        for name in LEARNT[layer["kind"]]:

            def replaced(moved: np.ndarray, number: int = number, name: str = name) -> Case:
                return [*layers[:number], {**layers[number], name: moved}, *layers[number + 1 :]], x

            found[f"{number}.{name}"] = by(layer[name], replaced)
    return found


def _is_forward(attempt: Attempt, layers: list[Layer], x: np.ndarray, *, train: bool, only_out: bool = False) -> bool:
    out, running = _forward(layers, x, train=train)
    wanted = {"out": out, **running}
    got = attempt.call("forward", [[layers, x, train]], returns=_arrays(wanted))[0]
    return all(SAME(got[name], wanted[name]) for name in (["out"] if only_out else wanted))


def _is_backward(attempt: Attempt, layers: list[Layer], x: np.ndarray) -> bool:
    weight = np.cos(np.arange(_forward(layers, x, train=True)[0].size)).reshape(len(x), -1)
    wanted = _gradients(layers, x, weight)
    got = attempt.call("backward", [[layers, x, weight]], returns=_arrays(wanted))[0]
    return all(SAME(got[name], wanted[name]) for name in wanted)


def _arrays(named: dict[str, np.ndarray]) -> Fields:
    return Fields({name: Array("float64", value.shape, max_kb=16) for name, value in named.items()})


def _is_adam(attempt: Attempt, rng: np.random.Generator, steps: int, count: int) -> bool:
    theta, grads = rng.normal(0, 1, count), rng.normal(0, 1, (steps, count)) * 10.0 ** rng.integers(-6, 2, count)
    rate, beta1, beta2, epsilon = 0.01, 0.9, 0.99, 1e-4
    args = [theta, grads, rate, beta1, beta2, epsilon]
    trace, first, second = [], np.zeros(count), np.zeros(count)
    for step, grad in enumerate(grads, start=1):
        first, second = beta1 * first + (1 - beta1) * grad, beta2 * second + (1 - beta2) * grad**2
        theta = theta - rate * (first / (1 - beta1**step)) / (np.sqrt(second / (1 - beta2**step)) + epsilon)
        trace.append(theta)
    return attempt.call("adam", [args], returns=Array("float64", grads.shape)).agree([np.array(trace)], SAME)
