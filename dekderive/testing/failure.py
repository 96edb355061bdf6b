"""How a property fails: with the quantity, the bound that it exceeds, and the instance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import PropertyFailed

__all__ = ["largest", "require"]


def largest(values: ArrayLike) -> float:
    """Largest magnitude; 0 of nothing, NaN if there is one.

    Examples
    --------
    >>> largest([1.0, -3.0]), largest([])
    (3.0, 0.0)
    """
    return float(np.max(np.abs(np.asarray(values, dtype=np.float64)), initial=0.0))


def require(value: float, bound: float, statement: str, instance: object) -> None:
    """Raise unless ``value <= bound``; a NaN fails.

    Raises
    ------
    PropertyFailed
        Which is an AssertionError, so that test runners report it as a failure and Hypothesis shrinks the instance.

    Examples
    --------
    >>> require(1e-17, 1e-12, "f = H(f)", "n = 1")
    >>> require(2.0, 1e-12, "f = H(f)", "n = 1")
    Traceback (most recent call last):
    ...
    dekderive.errors.PropertyFailed: f = H(f): 2 exceeds 1e-12, for n = 1
    """
    if not value <= bound:
        raise PropertyFailed(f"{statement}: {value:.6g} exceeds {bound:.6g}, for {instance}")
