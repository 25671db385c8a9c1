"""The formula of the textbook: the inverse of X'X, times X'y."""

import numpy as np


def fit(X, y):
    n, p = X.shape
    inverse = np.linalg.pinv(X.T @ X)
    coef = inverse @ X.T @ y
    rest = ((y - X @ coef) ** 2).sum()
    total = ((y - y.mean()) ** 2).sum()
    with np.errstate(all="ignore"):
        se = np.sqrt(rest / np.float64(n - p) * np.diag(inverse))
    r2 = 1 - rest / total if total else 0
    return {"coef": coef, "se": se, "r2": float(r2), "leverage": ((X @ inverse) * X).sum(axis=1)}
