"""Logarithms of sums that cancel, underflow or pass through 1, with all their digits."""

from __future__ import annotations

from math import log, pi, sqrt

import numpy as np
from scipy import special as _scipy

from dekderive.kernels.elementwise import Array, branches, elementwise, polynomial

__all__ = [
    "log1mexp",
    "log_exprel",
    "log_softplus",
    "log_softplus_slope",
    "tilted_uniform_mean",
    "truncated_normal_log_partition",
]

_HUGE = 1e300  # stands for infinity where the formula has inf - inf or 0/0

# Where softplus is 1, log(e - 1), as a double and what it lacks.
_ROOT_OF_LOG_SOFTPLUS = (0.5413248546129181, -1.8138570925507326e-17)
_ONE_MINUS_1_OVER_E = 0.6321205588285577
# Where x^2/2 + log(Phi(x)) is 0.
_ROOT_OF_TRUNCATED = (0.7286001084842727, -5.4859914552311245e-17)
_REACH_OF_TAYLOR = 0.3
# Taylor coefficients of (1/(1 - exp(-x)) - 1/x - 1/2) / x in x^2: B_2n / (2n)! = -2 zeta(2n) / (-4 pi^2)^n, n >= 1.
_TILTED_MEAN = [-2.0 * float(_scipy.zeta(2 * n)) / (-4 * pi * pi) ** n for n in range(1, 19)]


@elementwise
def log1mexp(x: Array) -> Array:
    """``log(1 - exp(x))`` for x < 0; NaN for positive x, and -inf at 0.

    Examples
    --------
    >>> log1mexp([-700.0, -1e-20])
    array([-9.85967654e-305, -4.60517019e+001])
    """
    return branches(
        x,
        [
            (x >= -log(2.0), lambda s: np.log(-np.expm1(s))),
            (x < -log(2.0), lambda s: np.log1p(-np.exp(s))),
        ],
    )


@elementwise
def log_exprel(x: Array) -> Array:
    """``log((exp(x) - 1) / x)``, which is x/2 near 0, x - log(x) far to the right and -log(-x) far to the left.

    Examples
    --------
    >>> log_exprel([-800.0, 0.0, 2e-10])
    array([-6.68461173e+00,  0.00000000e+00,  1.00000000e-10])
    """

    def near(s: Array) -> Array:
        # Half of s and log(sinh(s/2)/(s/2)), which is at most s/6 in size: nothing cancels.
        half = 0.5 * s
        return half + np.log1p(_sinhc_minus_1(half * half))

    return branches(
        x,
        [
            (x <= -2.0, lambda s: np.log1p(-np.exp(s)) - np.log(-s)),
            ((x > -2.0) & (x < 2.0), near),
            (x >= 2.0, lambda s: s - np.log(np.minimum(s, _HUGE)) + np.log1p(-np.exp(-s))),
        ],
    )


def _sinhc_minus_1(t: Array) -> Array:
    """``sinh(x)/x - 1`` in t = x^2 <= 1."""
    total = np.zeros_like(t)
    for n in range(10, 0, -1):
        total = (1.0 + total) * t / (2 * n * (2 * n + 1))
    return total


@elementwise
def tilted_uniform_mean(x: Array) -> Array:
    """``1/(1 - exp(-x)) - 1/x``: the mean of the density on [0, 1] proportional to ``exp(x y)``.

    Examples
    --------
    >>> tilted_uniform_mean([-800.0, 0.0, 800.0])
    array([0.00125, 0.5    , 0.99875])
    """
    return branches(
        x,
        [
            (x <= -2.0, lambda s: -1.0 / s - 1.0 / np.expm1(-s)),
            ((x > -2.0) & (x < 2.0), lambda s: 0.5 + s * polynomial(_TILTED_MEAN, s * s)),
            (x >= 2.0, lambda s: -1.0 / np.expm1(-s) - 1.0 / s),
        ],
    )


@elementwise
def log_softplus(x: Array) -> Array:
    """``log(log(1 + exp(x)))``, which is x far to the left and log(x) far to the right.

    Examples
    --------
    >>> log_softplus([-1e4, 0.0, 1e4])
    array([-1.00000000e+04, -3.66512921e-01,  9.21034037e+00])
    """

    def near(s: Array) -> Array:
        # With r = log(e - 1), where softplus is 1: softplus(x) - 1 = log(1 + (1 - 1/e)(exp(x - r) - 1)).
        root, rest = _ROOT_OF_LOG_SOFTPLUS
        return np.log1p(np.log1p(_ONE_MINUS_1_OVER_E * np.expm1((s - root) - rest)))

    return branches(
        x,
        [
            (x <= -1.0, lambda s: s + np.log(_log1p_ratio(np.exp(s)))),
            ((x > -1.0) & (x < 2.0), near),
            (x >= 2.0, lambda s: np.log(s + np.log1p(np.exp(-s)))),
        ],
    )


@elementwise
def log_softplus_slope(x: Array) -> Array:
    """``expit(x) / softplus(x)``, which is 1 far to the left and 1/x far to the right.

    Examples
    --------
    >>> log_softplus_slope([-1e4, 0.0, 1e4])
    array([1.00000000e+00, 7.21347520e-01, 1.00000000e-04])
    """

    def left(s: Array) -> Array:
        u = np.exp(s)
        return 1.0 / ((1.0 + u) * _log1p_ratio(u))

    def right(s: Array) -> Array:
        u = np.exp(-s)
        return 1.0 / ((1.0 + u) * (s + np.log1p(u)))

    return branches(x, [(x <= 0.0, left), (x > 0.0, right)])


def _log1p_ratio(u: Array) -> Array:
    """``log(1 + u) / u`` for u >= 0, also where u underflows."""
    u = np.maximum(u, 1e-30)
    return np.log1p(u) / u


def _taylor_of_truncated() -> list[float]:
    """Taylor coefficients at the zero of A = x^2/2 + log(Phi(x)), from m = A' and h = m - x, h' = -h m.

    At the zero Phi(x) = exp(-x^2/2), so h is 1/sqrt(2 pi).
    """
    h = [1 / sqrt(2 * pi)]
    m = [_ROOT_OF_TRUNCATED[0] + h[0]]
    for n in range(24):
        h.append(-sum(h[i] * m[n - i] for i in range(n + 1)) / (n + 1))
        m.append(h[n + 1] + (n == 0))
    return [c / (n + 1) for n, c in enumerate(m)]


_TAYLOR_OF_TRUNCATED = _taylor_of_truncated()


@elementwise
def truncated_normal_log_partition(x: Array) -> Array:
    """``x^2/2 + log(Phi(x))``: -log(-x) and a constant far to the left, x^2/2 far to the right, 0 at 0.7286.

    Examples
    --------
    >>> truncated_normal_log_partition([-800.0, 0.0, 800.0])
    array([-7.60355182e+00, -6.93147181e-01,  3.20000000e+05])
    """
    root, rest = _ROOT_OF_TRUNCATED
    near = np.abs(x - root) < _REACH_OF_TAYLOR
    root_half = sqrt(0.5)

    def around_zero(s: Array) -> Array:
        d = (s - root) - rest
        return d * polynomial(_TAYLOR_OF_TRUNCATED, d)

    return branches(
        x,
        [
            (near, around_zero),
            (~near & (x <= 1.0), lambda s: np.log(0.5 * _scipy.erfcx(-root_half * s))),
            (~near & (x > 1.0), lambda s: 0.5 * s * s + np.log1p(-0.5 * _scipy.erfc(root_half * s))),
        ],
    )
