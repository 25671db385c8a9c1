import numpy as np


def binary_report(y: np.ndarray, score: np.ndarray, threshold: float, weight: np.ndarray) -> np.ndarray:
    """Accuracy, precision, recall, F1 and AUC, in this order, of rows that count with their weight."""
    return np.zeros(5)
