# expect: fails=inertia score<=60
"""One start of k-means++."""

import numpy as np

RESTARTS = 40
CANDIDATES = 5


def kmeans(X, k, seed):
    rng = np.random.default_rng(seed)
    best = descend(X, start(X, k, rng))
    return dict(zip(("labels", "centers", "inertia"), best))


def squared(X, centers):
    return ((X[:, None] - centers) ** 2).sum(axis=2)


def start(X, k, rng):
    centers = X[rng.integers(len(X))][None]
    while len(centers) < k:
        near = squared(X, centers).min(axis=1)
        chance = near / near.sum() if near.any() else None
        centers = np.vstack([centers, X[rng.choice(len(X), p=chance)]])
    return centers


def descend(X, centers):
    labels = squared(X, centers).argmin(axis=1)
    while True:
        for j in np.unique(labels):
            centers[j] = X[labels == j].mean(axis=0)
        apart = squared(X, centers)
        fresh = apart.argmin(axis=1)
        if (fresh == labels).all():
            return labels, centers, float(apart.min(axis=1).sum())
        labels = fresh


def pca(X, k):
    centred = X - X.mean(axis=0)
    _, values, directions = np.linalg.svd(centred, full_matrices=False)
    components = directions[:k]
    largest = components[np.arange(k), np.abs(components).argmax(axis=1)]
    components = components * np.sign(largest)[:, None]
    return {
        "components": components,
        "explained": values[:k] ** 2 / (len(X) - 1),
        "scores": centred @ components.T,
    }
