"""What x sin(x) and x cos(x) give: products of gaps times damped hyperbolic functions."""

from __future__ import annotations

import numpy as np

from dekderive.kernels.elementwise import Array, elementwise
from dekderive.kernels.gaussian_pair import damped_sinh

__all__ = ["damped_gap_cosh", "damped_gap_sinh"]


def _parts(a: Array, b: Array, c: Array) -> tuple[Array, Array, Array]:
    """(a - s)(b - s) sinh(s), s = |c|, and the exponential by which cosh(s) is above sinh(s), both damped."""
    s = np.abs(c)
    sine = damped_sinh(a, b, s)
    near = np.where(sine == 0, np.where(np.isnan(a + b + s), np.nan, 0.0), (a - s) * (b - s) * sine)
    return s, near, np.exp(-0.5 * (a + b) - s)


def _times(factor: Array, exponential: Array) -> Array:
    return np.where(exponential == 0, 0.0, factor * exponential)


@elementwise
def damped_gap_cosh(a: Array, b: Array, c: Array) -> Array:
    r"""``exp(-(a + b)/2) ((a b + c^2) cosh(c) - c (a + b) sinh(c))``, without cancellation at large variances.

    With s = abs(c) it is (a - s)(b - s) times a damped hyperbolic sine, plus (a b + s^2) exp(-(a + b + 2 s)/2).

    Parameters
    ----------
    a, b : array_like
        Variances.
    c : array_like
        Covariance.

    Examples
    --------
    >>> damped_gap_cosh([1e12, 1e-12], [1e12 + 1.0, 1e-12], [1e12, 0.0])
    array([0.e+00, 1.e-24])
    """
    s, near, far = _parts(a, b, c)
    return near + _times(a * b + s * s, far)


@elementwise
def damped_gap_sinh(a: Array, b: Array, c: Array) -> Array:
    r"""``exp(-(a + b)/2) ((a b + c^2) sinh(c) - c (a + b) cosh(c))``; see `damped_gap_cosh`.

    Parameters
    ----------
    a, b : array_like
        Variances.
    c : array_like
        Covariance.

    Examples
    --------
    >>> damped_gap_sinh(1e-6, 1e-6, [1e-6, -1e-6])
    array([-1.999996e-12,  1.999996e-12])
    """
    s, near, far = _parts(a, b, c)
    return np.copysign(1.0, c) * (near - _times(s * (a + b), far))
