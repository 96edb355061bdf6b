"""What closed forms of Gaussian expectations are written in: noisy covariances and damped exponentials."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special as _scipy

from dekderive.kernels.double_double import Pair, add, scale, two_product, two_sum
from dekderive.kernels.elementwise import Array, elementwise
from dekderive.kernels.normal import ndtr

__all__ = ["damped_cosh", "damped_sinh", "exp_ndtr", "noisy_arcsine", "noisy_rootgap", "scaled_phi", "times_exp"]

_ROOT_HALF = math.sqrt(0.5)
_NO_EXPONENT = -100_000  # of a term that is 0: it must not decide which term is the largest


# --- covariances with independent noises -----------------------------------------------------------------------------


def _noisy_rootgap(a: Array, b: Array, c: Array, s: Array, t: Array) -> Array:
    a, b, c, s, t = np.broadcast_arrays(a, b, c, s, t)
    p = np.sqrt(a + s) * np.sqrt(b + t)
    size = np.abs(c)
    root = np.sqrt(np.maximum(p - size, 0.0)) * np.sqrt(p + size)
    close = (np.abs(p - size) < p / 8) & (p < np.inf)
    if close.any():
        root[close] = _root_of_sum(*(v[close] for v in (a, b, c, s, t)))
    return root


def _root_of_sum(a: Array, b: Array, c: Array, s: Array, t: Array) -> Array:
    """Root of ``(a b - c^2) + (t a + s b + s t)``, each bracket from exact products with an exponent of its own.

    The second bracket has no negative term.  The first may be negative by the rounding of its arguments, and both may
    be below one another by any power of two.
    """
    (ma, ea), (mb, eb), (ms, es), (mt, et) = (np.frexp(v) for v in (a, b, s, t))
    half_a, half_b = (np.frexp(a + s)[1] + 1) // 2, (np.frexp(b + t)[1] + 1) // 2
    mc = np.ldexp(c, -(half_a + half_b))
    square = scale(two_product(mc, mc), -1.0)
    gap = add(two_product(np.ldexp(a, -2 * half_a), np.ldexp(b, -2 * half_b)), square)
    products = [(mt, ma, et + ea), (ms, mb, es + eb), (ms, mt, es + et)]
    noise_exponent = np.maximum.reduce([np.where(x * y == 0, _NO_EXPONENT, e) for x, y, e in products])
    noise = (np.zeros_like(a), np.zeros_like(a))
    for x, y, e in products:
        noise = add(noise, _shifted(two_product(x, y), e - noise_exponent))
    # Bring both to the larger exponent, an even one.
    gap_exponent = 2 * (half_a + half_b)
    top = np.maximum(_exponent(gap[0]) + gap_exponent, _exponent(noise[0]) + noise_exponent)
    top += top % 2
    total = add(_shifted(gap, gap_exponent - top), _shifted(noise, noise_exponent - top))
    return np.ldexp(np.sqrt(np.maximum(total[0], 0.0)), np.maximum(top // 2, -2000))


def _exponent(x: Array) -> NDArray[np.int_]:
    mantissa, exponent = np.frexp(x)
    return np.where(mantissa == 0, _NO_EXPONENT, exponent)


def _shifted(x: Pair, exponent: NDArray[np.int_]) -> Pair:
    exponent = np.clip(exponent, -5000, 5000)
    return np.ldexp(x[0], exponent), np.ldexp(x[1], exponent)


@elementwise
def noisy_rootgap(a: Array, b: Array, c: Array, s: Array, t: Array) -> Array:
    r"""Root of a determinant after independent noises, :math:`\sqrt{(a + s)(b + t) - c^2}`; 0 where it is negative.

    The value is that of the given doubles to a few units in the last place, also where the noises are far below the
    variances and :math:`a b - c^2` is a rounding error of either sign: there the sum
    :math:`(a b - c^2) + t a + s b + s t` is formed from exact products.

    Parameters
    ----------
    a, b : array_like
        Variances.
    c : array_like
        Covariance.
    s, t : array_like
        Variances of the noises.

    Examples
    --------
    >>> noisy_rootgap([1e300, 1e300], [1e300, 1e300], [1e300, 1e300], [2e-300, 0.0], [0.0, 0.0])
    array([1.41421356, 0.        ])
    """
    return _noisy_rootgap(a, b, c, s, t)


@elementwise
def noisy_arcsine(a: Array, b: Array, c: Array, s: Array, t: Array) -> Array:
    r"""Arc sine of a correlation after independent noises, :math:`\arcsin(c / \sqrt{(a + s)(b + t)})`.

    It is 0 where a noisy variance is 0.

    Parameters
    ----------
    a, b : array_like
        Variances.
    c : array_like
        Covariance.
    s, t : array_like
        Variances of the noises.

    Examples
    --------
    >>> noisy_arcsine([1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0])
    array([0.52359878, 0.        ])
    """
    return np.arctan2(c, _noisy_rootgap(a, b, c, s, t))


# --- exponentials times functions that fall as fast ------------------------------------------------------------------


def times_exp(factor: Array, exponent: Pair) -> Array:
    """``factor exp(exponent)``, also where the exponential alone overflows; the exponent has twice the digits.

    Examples
    --------
    >>> float(times_exp(np.float64(1e-200), (np.float64(1000.0), np.float64(0.0)))) / 1.970071114017047e234
    1.0
    """
    high, low = exponent
    low = np.where(np.abs(low) < 1e-6, low, 0.0)  # above, the exponential of `high` is 0 or infinite
    far = np.abs(high) > 700.0
    half = np.exp(np.where(far, 0.5, 1.0) * high)
    # A zero factor stays zero even if the exponential overflows.
    value = factor * (1.0 + low) * half
    return np.where(far & (factor != 0), value * half, np.where(factor == 0, factor, value))


def scaled_phi(p: Pair, x: Array, square: Pair) -> Array:
    """``exp(p) Phi(x)`` from p and x^2 in twice the digits, which is what the tail of Phi needs.

    Examples
    --------
    >>> zero = (np.zeros(1), np.zeros(1))
    >>> scaled_phi(zero, np.array([-1.0]), (np.ones(1), np.zeros(1)))
    array([0.15865525])
    """
    tail = x < -1.0
    exponent = add(p, scale(square, -0.5))
    exponent = tuple(np.where(tail, e, q) for e, q in zip(exponent, p, strict=True))  # type: ignore[assignment]
    return times_exp(np.where(tail, 0.5 * _scipy.erfcx(-_ROOT_HALF * np.minimum(x, 0.0)), ndtr(x)), exponent)


@elementwise
def exp_ndtr(p: Array, x: Array) -> Array:
    r"""``exp(p) Phi(x)``, right to a few units in the last place also where one factor overflows.

    For negative x it is :math:`\tfrac12 e^{p - x^2/2}\, \mathrm{erfcx}(-x/\sqrt2)`, with the exponent in twice the
    digits.

    Parameters
    ----------
    p : array_like
        Exponent.
    x : array_like
        Argument of the normal distribution function.

    Examples
    --------
    >>> exp_ndtr([5e5, 0.0, -1.0], [-1e3, 0.0, np.inf])
    array([3.98941881e-04, 5.00000000e-01, 3.67879441e-01])
    """
    p, x = np.broadcast_arrays(p, x)
    # Infinities become numbers whose squares and differences are numbers too.
    x, p = np.clip(x, -1e150, 1e150), np.clip(p, -1e300, 1e300)
    return scaled_phi((p, np.zeros_like(p)), x, two_product(x, x))


def _distance(a: Array, b: Array, c: Array) -> Pair:
    """``-(a + b - 2 |c|) / 2`` in twice the digits: near-duplicates cancel."""
    total, error = two_sum(*np.broadcast_arrays(a, b))
    gap, gap_error = two_sum(total, -2.0 * np.abs(c))
    error = np.where(np.isfinite(error), error, 0.0)
    return scale(two_sum(gap, np.where(np.isfinite(gap_error), gap_error, 0.0) + error), -0.5)


@elementwise
def damped_sinh(a: Array, b: Array, c: Array) -> Array:
    r"""``exp(-(a + b)/2) sinh(c)`` of a covariance, without overflow and without cancellation.

    It is :math:`\mathrm{sign}(c)\, e^{-(a + b - 2|c|)/2}\, (1 - e^{-2|c|}) / 2` with the distance
    :math:`a + b - 2|c|` of the pair in twice the digits.

    Parameters
    ----------
    a, b : array_like
        Variances.
    c : array_like
        Covariance.

    Examples
    --------
    >>> damped_sinh([1e12, 1e-12], [1e12 + 1.0, 1e-12], [1e12, 1e-12])
    array([3.03265330e-01, 1.00000000e-12])
    """
    return times_exp(0.5 * np.copysign(np.expm1(-2.0 * np.abs(c)), c), _distance(a, b, c))


@elementwise
def damped_cosh(a: Array, b: Array, c: Array) -> Array:
    r"""``exp(-(a + b)/2) cosh(c)`` of a covariance, without overflow.

    It is :math:`e^{-(a + b - 2|c|)/2}\, (1 + e^{-2|c|}) / 2` with the distance :math:`a + b - 2|c|` of the pair in
    twice the digits.

    Parameters
    ----------
    a, b : array_like
        Variances.
    c : array_like
        Covariance.

    Examples
    --------
    >>> damped_cosh([1e12, 0.0], [1e12 + 1.0, 0.0], [1e12, 0.0])
    array([0.30326533, 1.        ])
    """
    return times_exp(0.5 + 0.5 * np.exp(-2.0 * np.abs(c)), _distance(a, b, c))
