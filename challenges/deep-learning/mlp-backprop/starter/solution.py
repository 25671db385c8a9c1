import numpy as np


def forward(layers: list[dict], x: np.ndarray, train: bool) -> dict[str, np.ndarray]:
    """The output, and the running statistics of each norm layer after it."""
    return {"out": x}


def backward(layers: list[dict], x: np.ndarray, grad: np.ndarray) -> dict[str, np.ndarray]:
    """Derivatives of the loss by x and by everything that is learnt, in training."""
    return {"x": np.zeros_like(x)}


def adam(theta: np.ndarray, grads: np.ndarray, rate: float, beta1: float, beta2: float, epsilon: float) -> np.ndarray:
    """theta after each of the steps."""
    return np.tile(theta, (len(grads), 1))
