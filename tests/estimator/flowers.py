"""Small data that the tests share; equal sizes share kernels."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_iris

HIDDEN = (8,)


def iris() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_iris(return_X_y=True)
    return (x - x.mean(axis=0)) / x.std(axis=0), y


def labels() -> tuple[np.ndarray, np.ndarray]:
    """Two labels for each flower: whether it is no setosa, and whether its petals are wide."""
    x, y = iris()
    return x, np.stack([y > 0, x[:, 3] > 0], axis=1).astype(int)


def values() -> tuple[np.ndarray, np.ndarray]:
    """Two values to predict of three columns."""
    x, _ = iris()
    return np.c_[x[:, :3], x[:, 0] * x[:, 1]], np.c_[x[:, 3], np.abs(x[:, 3])]
