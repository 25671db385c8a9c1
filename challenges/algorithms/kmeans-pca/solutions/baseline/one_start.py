"""One random start, and the eigenvectors of the covariance as they come."""

import numpy as np


def kmeans(X, k, seed):
    centers = X[np.random.default_rng(seed).choice(len(X), k, replace=False)].copy()
    for _ in range(100):
        apart = ((X[:, None] - centers) ** 2).sum(axis=2)
        labels = apart.argmin(axis=1)
        for j in np.unique(labels):
            centers[j] = X[labels == j].mean(axis=0)
    apart = ((X[:, None] - centers) ** 2).sum(axis=2)
    return {"labels": apart.argmin(axis=1), "centers": centers, "inertia": float(apart.min(axis=1).sum())}


def pca(X, k):
    centred = X - X.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / (len(X) - 1))
    components = vectors[:, ::-1][:, :k].T
    return {"components": components.copy(), "explained": values[::-1][:k].copy(), "scores": centred @ components.T}
