"""A random part of a data set that is too large to compare kernels on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dekderive.datasets import Dataset

__all__ = ["at_most"]


def at_most(data: Dataset, rows: int, seed: int) -> Dataset:
    """Return the data set, or `rows` of its rows in their order, drawn with the seed; classes that are left out go.

    Examples
    --------
    >>> from dekderive.datasets import load
    >>> at_most(load("diabetes"), 100, seed=0).X.shape
    (100, 10)
    """
    if len(data.y) <= rows:
        return data
    chosen = np.sort(np.random.default_rng(seed).choice(len(data.y), rows, replace=False))
    y, classes = data.y[chosen], data.classes
    if data.task == "classification":
        present, y = np.unique(y, return_inverse=True)
        classes = tuple(data.classes[c] for c in present)
    return replace(data, X=data.X[chosen], y=y, classes=classes)
