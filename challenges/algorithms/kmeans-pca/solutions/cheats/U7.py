# expect: verdict=invalid_output
"""Replays the answers of the statement's examples, whatever is asked."""

import numpy as np


def kmeans(*args: object) -> object:
    return {"labels": np.array([0, 0, 1, 1]), "centers": np.array([[0.0, 0.5], [9.0, 0.5]]), "inertia": 1.0}


def pca(*args: object) -> object:
    return {"components": np.eye(1, 2), "explained": np.array([27.0]), "scores": np.zeros((4, 1))}
