# expect: only=degenerate-y
"""Says that a constant y is explained wholly."""

import numpy as np

CUT = 1e-10


def fit(X, y):
    n, p = X.shape
    lengths = np.sqrt((X**2).sum(axis=0))
    lengths[lengths == 0] = 1
    u, s, vt = np.linalg.svd(X / lengths, full_matrices=False)
    kept = s > CUT * s.max()
    u, s, vt = u[:, kept], s[kept], vt[kept]
    coef = vt.T @ (u.T @ y / s) / lengths
    rest = ((y - X @ coef) ** 2).sum()
    se = np.full(p, np.nan)
    if len(s) == p and n > p:
        se = np.sqrt(rest / (n - p) * ((vt.T / s) ** 2).sum(axis=1)) / lengths
    varies = y.max() > y.min()
    r2 = 1 - rest / ((y - y.mean()) ** 2).sum() if varies else 1
    return {"coef": coef, "se": se, "r2": float(r2), "leverage": (u**2).sum(axis=1)}
