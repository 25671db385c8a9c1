import numpy as np


def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray, heads: int, causal: bool, pad: np.ndarray) -> np.ndarray:
    """Attention of every query to the keys it may see, head by head."""
    return np.zeros(q.shape)


class Decoder:
    """Self-attention for one sequence, one token after another."""

    def __init__(self, wq: np.ndarray, wk: np.ndarray, wv: np.ndarray, wo: np.ndarray, heads: int) -> None:
        self.weights, self.heads = (wq, wk, wv, wo), heads

    def step(self, x: np.ndarray) -> np.ndarray:
        """The output for the newest token."""
        return np.zeros(x.shape)
