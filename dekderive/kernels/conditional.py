"""The margin of one variable of a Gaussian pair, given the other."""

from __future__ import annotations

import numpy as np

from dekderive.kernels.discriminants import rootgap
from dekderive.kernels.elementwise import Array, elementwise

__all__ = ["conditional_margin"]


@elementwise
def conditional_margin(h: Array, k: Array, a: Array, b: Array, c: Array) -> Array:
    r"""Standardised margin of V <= k given U = h, :math:`(k - h c/a) / \sqrt{b - c^2/a}`.

    For a singular covariance it is the limit: :math:`\pm\infty`, or 0 where :math:`k = h c/a`.  For h = k the numerator
    is formed as h (a - c), which is exact where a and c are close.

    Parameters
    ----------
    h, k : array_like
        The two levels.
    a, b, c : array_like
        Variances and covariance.

    Examples
    --------
    >>> conditional_margin(1.0, 1.0, [1.0, 1.0, 1.0], [1.0, 1.0, 4.0], [0.0, 1.0, 2.0])
    array([ 1.,  0., -inf])
    """
    numerator = np.where(h == k, k * (a - c), np.where(h == -k, k * (a + c), a * k - c * h))
    value = numerator / (np.sqrt(a) * rootgap(a, b, c))
    return np.where(numerator == 0, 0.0, value)
