"""The normal distribution function and its relatives, with their digits in the far tails."""

from __future__ import annotations

from math import pi, prod, sqrt

import numpy as np
from scipy import special as _scipy

from dekderive.kernels.elementwise import Array, branches, elementwise, polynomial

__all__ = [
    "dawson",
    "erf",
    "erfc",
    "inverse_mills",
    "log_ndtr",
    "ndtr",
    "truncated_normal_mean",
    "truncated_normal_variance",
]

_ROOT_HALF = sqrt(0.5)
_ROOT_TWO_OVER_PI = sqrt(2 / pi)
_DAWSON = [(-2.0) ** n / prod(range(1, 2 * n + 2, 2)) for n in range(11)]  # Taylor coefficients of D(x)/x in x^2


def _bell(x: Array, rate: float) -> Array:
    """``exp(-rate x^2)`` to an ulp or two: the square is split, else its rounding error grows by a factor x^2."""
    size = np.minimum(np.abs(x), 1e3)
    coarse = np.round(16.0 * size) / 16.0
    return np.exp(-rate * coarse * coarse) * np.exp(-rate * (size - coarse) * (size + coarse))


def _ndtr(x: Array) -> Array:
    def tail(s: Array) -> Array:
        return 0.5 * _scipy.erfcx(-_ROOT_HALF * s) * _bell(s, 0.5)

    return branches(x, [(x < -1.0, tail), (x >= -1.0, lambda s: 0.5 * _scipy.erfc(-_ROOT_HALF * s))])


@elementwise
def ndtr(x: Array) -> Array:
    """Standard normal distribution function.

    Examples
    --------
    >>> ndtr([-37.0, 0.0])
    array([5.72557122e-300, 5.00000000e-001])
    """
    return _ndtr(x)


@elementwise
def log_ndtr(x: Array) -> Array:
    """Logarithm of the standard normal distribution function.

    Examples
    --------
    >>> log_ndtr([-800.0, 8.0])
    array([-3.20007604e+05, -6.22096057e-16])
    """
    return branches(
        x,
        [
            (x < -1.0, lambda s: np.log(0.5 * _scipy.erfcx(-_ROOT_HALF * s)) - 0.5 * s * s),
            ((x >= -1.0) & (x <= 0.0), lambda s: np.log(_ndtr(s))),
            (x > 0.0, lambda s: np.log1p(-_ndtr(-s))),
        ],
    )


def _inverse_mills(x: Array) -> Array:
    return branches(
        x,
        [
            (x <= 1.0, lambda s: _ROOT_TWO_OVER_PI / _scipy.erfcx(-_ROOT_HALF * s)),
            (x > 1.0, lambda s: 0.5 * _ROOT_TWO_OVER_PI * _bell(s, 0.5) / _ndtr(s)),
        ],
    )


@elementwise
def inverse_mills(x: Array) -> Array:
    """Inverse Mills ratio, normal density over normal distribution function; about -x far to the left.

    Examples
    --------
    >>> inverse_mills([-800.0, 0.0])
    array([8.00001250e+02, 7.97884561e-01])
    """
    return _inverse_mills(x)


@elementwise
def truncated_normal_mean(x: Array) -> Array:
    """``x + m`` with m the inverse Mills ratio: the mean of N(x, 1) given that it is positive.

    It falls like -1/x to the left, where the sum loses its digits; Laplace's continued fraction does not.

    Examples
    --------
    >>> truncated_normal_mean([-1e8, 0.0])
    array([1.00000000e-08, 7.97884561e-01])
    """
    near, middle = x >= -2.0, (x > -5.0) & (x < -2.0)
    return branches(
        x,
        [
            (near, lambda s: s + _inverse_mills(s)),
            (middle, lambda s: _mean_by_fraction(s, 100)),
            (x <= -5.0, lambda s: _mean_by_fraction(s, 30)),
        ],
    )


def _mean_by_fraction(x: Array, depth: int) -> Array:
    k = np.zeros_like(x)
    for numerator in range(depth, 1, -1):
        k = numerator / (k - x)
    return 1.0 / (k - x)


@elementwise
def truncated_normal_variance(x: Array) -> Array:
    """``1 - m (x + m)`` with m the inverse Mills ratio: the variance of N(x, 1) given that it is positive.

    This is the second derivative of ``x^2/2 + log_ndtr(x)``; it falls like 1/x^2 to the left, where the formula loses
    its digits.  There, with t = -x, Laplace's continued fraction ``m = t + 1/(t + k), k = 2/(t + 3/(t + ...))`` turns
    it into ``(k (t + k) - 1) / (t + k)^2``.

    Examples
    --------
    >>> truncated_normal_variance([-1e8, 0.0])
    array([1.00000000e-16, 3.63380228e-01])
    """
    x = np.clip(x, -1e300, 1e300)

    def plain(s: Array) -> Array:
        mills = _inverse_mills(s)
        return 1.0 - mills * (s + mills)

    middle = (x > -5.0) & (x < 0.5)
    return branches(x, [(x >= 0.5, plain), (middle, _variance_by_moments), (x <= -5.0, _variance_by_fraction)])


def _variance_by_fraction(x: Array) -> Array:
    t = -x
    k = np.zeros_like(t)
    for numerator in range(30, 1, -1):
        k = numerator / (t + k)
    return (k * (t + k) - 1.0) / (t + k) / (t + k)


def _variance_by_moments(x: Array) -> Array:
    """Second central moment of the density proportional to exp(x s - s^2/2), s > 0, by quadrature on [0, 10].

    The mean need not be accurate: its error enters squared.
    """
    roots, weights = np.polynomial.legendre.leggauss(56)
    nodes = 5.0 * (roots + 1.0)
    weights = weights * np.exp(-0.5 * nodes * nodes)
    mean = x + _inverse_mills(x)
    total, spread = np.zeros_like(x), np.zeros_like(x)
    for s, w in zip(nodes, weights, strict=True):
        mass = w * np.exp(x * s)
        total += mass
        spread += (s - mean) ** 2 * mass
    return spread / total


@elementwise
def dawson(x: Array) -> Array:
    """Dawson's integral ``exp(-x^2) int_0^x exp(t^2) dt``.

    Examples
    --------
    >>> dawson([0.0, 1.0])
    array([0.        , 0.53807951])
    """
    return branches(
        x,
        [
            (np.abs(x) < 0.3, lambda s: s * polynomial(_DAWSON, s * s)),
            (np.abs(x) >= 0.3, _scipy.dawsn),
        ],
    )


@elementwise
def erf(x: Array) -> Array:
    """Error function.

    Examples
    --------
    >>> erf([0.0, 1.0])
    array([0.        , 0.84270079])
    """
    return _scipy.erf(x)


@elementwise
def erfc(x: Array) -> Array:
    """Complementary error function.

    Examples
    --------
    >>> erfc([0.0, 26.0])
    array([1.00000000e+000, 5.66319240e-296])
    """
    return branches(x, [(x <= 1.0, _scipy.erfc), (x > 1.0, lambda s: _scipy.erfcx(s) * _bell(s, 1.0))])
