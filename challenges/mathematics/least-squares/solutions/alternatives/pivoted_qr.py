"""A QR decomposition with column pivoting; a second one from the other side where rank is lost."""

import numpy as np
from scipy.linalg import qr, solve_triangular


def fit(X, y):
    n, p = X.shape
    lengths = np.linalg.norm(X, axis=0)
    lengths = np.where(lengths > 0, lengths, 1)
    q, r, order = qr(X / lengths, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(r))
    rank = int((diagonal > 1e-9 * max(diagonal[0], 1e-300)).sum())
    q, r = q[:, :rank], r[:rank]
    coef, se = np.zeros(p), np.full(p, np.nan)
    if rank == p:
        coef[order] = solve_triangular(r, q.T @ y)
    elif rank:
        z, t = qr(r.T, mode="economic")
        coef[order] = z @ solve_triangular(t, q.T @ y, trans="T")
    coef /= lengths
    rest = np.sum((y - X @ coef) ** 2)
    if rank == p < n:
        inverse = solve_triangular(r, np.eye(p))
        se[order] = np.sqrt(rest / (n - p) * (inverse**2).sum(axis=1))
        se /= lengths
    r2 = 0.0 if np.ptp(y) == 0 else float(1 - rest / (n * np.var(y)))
    return {"coef": coef, "se": se, "r2": r2, "leverage": np.sum(q**2, axis=1)}
