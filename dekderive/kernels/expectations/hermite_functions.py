"""Hermite functions: orthonormal Hermite polynomials times the root of the normal density."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from dekderive.kernels.elementwise import Array

__all__ = ["hermite_functions", "root_density"]


def root_density(z: Array) -> Array:
    """Return the square root of the normal density.

    Examples
    --------
    >>> root_density(np.zeros(1)) ** 4 * 2 * np.pi
    array([1.])
    """
    return np.exp(-0.25 * z**2) / (2 * math.pi) ** 0.25


def hermite_functions(z: Array, order: int) -> Iterator[Array]:
    """Yield the first `order` Hermite functions at z.

    They are bounded by 1, so nothing overflows, and the recurrence is stable forward on both sides of the turning
    points.

    Examples
    --------
    >>> z = np.linspace(-12, 12, 400)
    >>> h = np.array(list(hermite_functions(z, 4)))
    >>> bool(np.allclose(h @ h.T * (z[1] - z[0]), np.eye(4), rtol=0, atol=1e-14))
    True
    """
    before, current = np.zeros_like(z), root_density(z)
    for k in range(order):
        yield current
        before, current = current, (z * current - math.sqrt(k) * before) / math.sqrt(k + 1)
