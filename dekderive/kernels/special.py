"""Accurate elementwise functions that generated kernels call: one for each atom, under the atom's name.

All of them broadcast, take scalars, return float32 for float32, and have a relative error of a few units in the last
place wherever the result is a normal number.  Each splits its domain so that nothing cancels.
"""

from __future__ import annotations

from math import comb, factorial, log

import numpy as np
from scipy import special as _scipy

from dekderive.kernels.binormal import binormal, exp_binormal
from dekderive.kernels.centred import binormal_excess
from dekderive.kernels.complex_normal import exp_erfcx_im, exp_erfcx_re
from dekderive.kernels.conditional import conditional_margin, squared_distance
from dekderive.kernels.discriminants import angle, arcsine, quadratic_root, rootgap
from dekderive.kernels.elementwise import Array, branches, elementwise, polynomial
from dekderive.kernels.gaussian_pair import damped_cosh, damped_sinh, exp_ndtr, noisy_arcsine, noisy_rootgap
from dekderive.kernels.hypergeometric import hyp2f1, squared_correlation_2f1
from dekderive.kernels.logarithmic import (
    log1mexp,
    log_exprel,
    log_softplus,
    log_softplus_slope,
    tilted_uniform_mean,
    truncated_normal_log_partition,
)
from dekderive.kernels.normal import (
    dawson,
    erf,
    erfc,
    inverse_mills,
    log_ndtr,
    ndtr,
    truncated_normal_mean,
    truncated_normal_variance,
)
from dekderive.kernels.waves import damped_gap_cosh, damped_gap_sinh

__all__ = [
    "angle",
    "arcsine",
    "bessel_ratio",
    "bessel_ratio_slope",
    "binormal",
    "binormal_excess",
    "conditional_margin",
    "damped_cosh",
    "damped_gap_cosh",
    "damped_gap_sinh",
    "damped_sinh",
    "dawson",
    "erf",
    "erfc",
    "exp_binormal",
    "exp_erfcx_im",
    "exp_erfcx_re",
    "exp_ndtr",
    "expit",
    "hyp2f1",
    "inverse_mills",
    "lambertw",
    "langevin",
    "langevin_slope",
    "log1mexp",
    "log_cosh",
    "log_exprel",
    "log_i0",
    "log_ndtr",
    "log_sinhc",
    "log_softplus",
    "log_softplus_slope",
    "ndtr",
    "noisy_arcsine",
    "noisy_rootgap",
    "quadratic_root",
    "relu",
    "rootgap",
    "sin_minus_xcos",
    "softplus",
    "squared_correlation_2f1",
    "squared_distance",
    "step",
    "tilted_uniform_mean",
    "truncated_normal_log_partition",
    "truncated_normal_mean",
    "truncated_normal_variance",
    "versine",
]

_HUGE = 1e300  # stands for infinity where the formula has inf - inf or 0/0

# Taylor coefficients in t = x^2.
_SINHC_MINUS_1 = [0.0] + [1 / factorial(2 * n + 1) for n in range(1, 16)]  # sinh(x)/x - 1
_SINH_MINUS_X = _SINHC_MINUS_1[1:]  # (sinh(x) - x) / x^3
_LANGEVIN_TOP = [2 * n / factorial(2 * n + 1) for n in range(1, 16)]  # (x cosh(x) - sinh(x)) / x^3
_SIN_MINUS_XCOS = [(-1) ** (n + 1) * 2 * n / factorial(2 * n + 1) for n in range(1, 11)]  # (sin(x) - x cos(x)) / x^3
# In t = x^2 / 4: I_0(x) - 1, and I_0^2 (I_1/I_0)', which is 1/2 sum binom(2n, n) t^n / (n+1)!^2 (from the product
# series of I_0^2, I_0 I_1 and I_1^2).
_I0_MINUS_1 = [0.0] + [1 / factorial(n) ** 2 for n in range(1, 22)]
_BESSEL_SLOPE = [comb(2 * n, n) / (2 * factorial(n + 1) ** 2) for n in range(88)]


@elementwise
def relu(x: Array) -> Array:
    """Positive part ``max(x, 0)``.

    Examples
    --------
    >>> relu([-2.0, 3.0])
    array([0., 3.])
    """
    return np.maximum(x, 0.0)


@elementwise
def step(x: Array) -> Array:
    """Heaviside step, 1/2 at 0.

    Examples
    --------
    >>> step([-2.0, 0.0, 3.0])
    array([0. , 0.5, 1. ])
    """
    return np.heaviside(x, 0.5)


@elementwise
def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``.

    Examples
    --------
    >>> softplus([-700.0, 0.0, 800.0])
    array([9.85967654e-305, 6.93147181e-001, 8.00000000e+002])
    """
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@elementwise
def expit(x: Array) -> Array:
    """Logistic function ``1 / (1 + exp(-x))``.

    Examples
    --------
    >>> expit([-700.0, 0.0])
    array([9.85967654e-305, 5.00000000e-001])
    """
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


@elementwise
def log_cosh(x: Array) -> Array:
    """``log(cosh(x))``, which is x^2/2 near 0 and |x| - log(2) far from it.

    Examples
    --------
    >>> log_cosh([1e-8, 800.0])
    array([5.00000000e-17, 7.99306853e+02])
    """
    size = np.abs(x)
    near = np.log1p(2.0 * np.sinh(0.5 * np.minimum(size, 2.0)) ** 2)
    return np.where(size < 2.0, near, size - log(2.0) + np.log1p(np.exp(-2.0 * size)))


@elementwise
def log_sinhc(x: Array) -> Array:
    """``log(sinh(x) / x)``, which is x^2/6 near 0.

    Examples
    --------
    >>> log_sinhc([0.0, 1e-8, 800.0])
    array([0.00000000e+00, 1.66666667e-17, 7.92622241e+02])
    """
    return branches(
        np.abs(x),
        [
            (np.abs(x) < 3.0, lambda s: np.log1p(polynomial(_SINHC_MINUS_1, s * s))),
            (np.abs(x) >= 3.0, lambda s: s - np.log(2.0 * np.minimum(s, _HUGE)) + np.log1p(-np.exp(-2.0 * s))),
        ],
    )


@elementwise
def langevin(x: Array) -> Array:
    """Langevin function ``coth(x) - 1/x``, which is x/3 near 0.

    Examples
    --------
    >>> langevin([0.0, 3e-10, 800.0])
    array([0.0000e+00, 1.0000e-10, 9.9875e-01])
    """
    return branches(
        x,
        [
            (np.abs(x) < 2.0, lambda s: s * polynomial(_LANGEVIN_TOP, s * s) / (1 + polynomial(_SINHC_MINUS_1, s * s))),
            (np.abs(x) >= 2.0, lambda s: 1.0 / np.tanh(s) - 1.0 / s),
        ],
    )


@elementwise
def langevin_slope(x: Array) -> Array:
    """Derivative of the Langevin function, ``1/x^2 - 1/sinh(x)^2``; 1/3 at 0.

    Examples
    --------
    >>> langevin_slope([0.0, 800.0])
    array([3.33333333e-01, 1.56250000e-06])
    """

    def near(s: Array) -> Array:
        t = s * s
        sinhc = 1.0 + polynomial(_SINHC_MINUS_1, t)
        return polynomial(_SINH_MINUS_X, t) * (1.0 + sinhc) / sinhc**2

    def far(s: Array) -> Array:
        # 1/sinh(s) in terms of exp(-s): sinh itself overflows.
        cosech = 2.0 * np.exp(-s) / -np.expm1(-2.0 * s)
        return (1.0 / s) ** 2 - cosech**2

    return branches(np.abs(x), [(np.abs(x) < 3.0, near), (np.abs(x) >= 3.0, far)])


@elementwise
def log_i0(x: Array) -> Array:
    """Logarithm of the modified Bessel function I_0; x^2/4 near 0.

    Examples
    --------
    >>> log_i0([1e-8, 800.0])
    array([2.50000000e-17, 7.95738912e+02])
    """
    return branches(
        np.abs(x),
        [
            (np.abs(x) < 4.0, lambda s: np.log1p(polynomial(_I0_MINUS_1, 0.25 * s * s))),
            (np.abs(x) >= 4.0, lambda s: s + np.log(_scipy.i0e(np.minimum(s, _HUGE)))),
        ],
    )


@elementwise
def bessel_ratio(x: Array) -> Array:
    """Ratio ``I_1(x) / I_0(x)``; x/2 near 0, and 1 - 1/(2x) far from it.

    Examples
    --------
    >>> bessel_ratio([2e-10, 800.0])
    array([1.00000000e-10, 9.99374804e-01])
    """
    x = np.clip(x, -_HUGE, _HUGE)
    return _scipy.i1e(x) / _scipy.i0e(x)


def _bessel_slope_tail() -> list[float]:
    """Coefficients of x^-2, x^-3, ... of the slope, from r' = 1 - r/x - r^2: a recursion in which nothing cancels."""
    r = [1.0]
    for n in range(1, 45):
        r.append(0.5 * ((n - 2) * r[n - 1] - sum(r[i] * r[n - i] for i in range(1, n))))
    return [-k * r[k] for k in range(1, len(r))]


_BESSEL_SLOPE_TAIL = _bessel_slope_tail()


@elementwise
def bessel_ratio_slope(x: Array) -> Array:
    """Derivative of I_1/I_0: with r the ratio ``1 - r/x - r^2``, which is 1/2 at 0 and 1/(2 x^2) far from it.

    Examples
    --------
    >>> bessel_ratio_slope([0.0, 800.0])
    array([5.00000000e-01, 7.81739199e-07])
    """

    def near(s: Array) -> Array:
        scale = np.exp(-s) / _scipy.i0e(s)
        return polynomial(_BESSEL_SLOPE, 0.25 * s * s) * scale * scale

    def far(s: Array) -> Array:
        return (1.0 / s) ** 2 * polynomial(_BESSEL_SLOPE_TAIL, 1.0 / s)

    return branches(np.abs(x), [(np.abs(x) < 25.0, near), (np.abs(x) >= 25.0, far)])


@elementwise
def lambertw(x: Array) -> Array:
    """Principal branch of Lambert's W, the w >= -1 with ``w exp(w) = x``; NaN for x < -1/e.

    Examples
    --------
    >>> lambertw([0.0, np.e, -1.0])
    array([ 0.,  1., nan])
    """
    w = _scipy.lambertw(x)
    return np.where(w.imag == 0.0, w.real, np.nan)


@elementwise
def versine(x: Array) -> Array:
    """``1 - cos(x)``, which is x^2/2 near 0.

    Examples
    --------
    >>> versine([1e-8, np.pi])
    array([5.e-17, 2.e+00])
    """
    return 2.0 * np.sin(0.5 * x) ** 2


@elementwise
def sin_minus_xcos(x: Array) -> Array:
    """``sin(x) - x cos(x)``, which is x^3/3 near 0.  Near its other zeros the error is an ulp of x.

    Examples
    --------
    >>> sin_minus_xcos([3e-5, np.pi])
    array([9.00000000e-15, 3.14159265e+00])
    """
    size = np.minimum(np.abs(x), 1.0)
    near = x * (size * size) * polynomial(_SIN_MINUS_XCOS, size * size)
    return np.where(np.abs(x) < 1.0, near, np.sin(x) - x * np.cos(x))
