"""The library's own classes, with many starts and the sign that is asked for."""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

warnings.filterwarnings("ignore", message="Number of distinct clusters")


def kmeans(X, k, seed):
    found = KMeans(k, n_init=40, tol=0, random_state=seed).fit(X)
    centers = found.cluster_centers_
    apart = ((X[:, None] - centers) ** 2).sum(axis=2)
    return {
        "labels": apart.argmin(axis=1),
        "centers": centers,
        "inertia": float(apart.min(axis=1).sum()),
    }


def pca(X, k):
    found = PCA(k, svd_solver="full").fit(X)
    components = found.components_.copy()
    for row in components:
        row *= np.sign(row[np.abs(row).argmax()])
    return {
        "components": components,
        "explained": found.explained_variance_,
        "scores": (X - X.mean(axis=0)) @ components.T,
    }
