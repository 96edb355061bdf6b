"""What the bivariate normal distribution function adds to its expansion about the origin."""

from __future__ import annotations

import math

import numpy as np
from scipy import special as _scipy

from dekderive.kernels.binormal import GAUSS, Corner, normalised
from dekderive.kernels.discriminants import rootgap
from dekderive.kernels.elementwise import Array, elementwise

__all__ = ["binormal_excess"]

_ROOT_HALF = math.sqrt(0.5)
_CUT = 8.2  # beyond it exp(-x^2/2) and erfc(x / sqrt(2)) do not show


def _wedge(h: Array, m: Array) -> Array:
    r"""``atan(m/h) / (2 pi) - T(h, m/h)`` for h > 0, of the sign of m: the integral of phi(t) (Phi(t m/h) - 1/2) to h.

    The integrand is positive for positive m.  It is cut where one of its factors has reached its limit.
    """
    size = np.abs(m)
    end = 1.0 / np.maximum(1.0, np.maximum(h, size) / _CUT)
    total = np.zeros_like(h)
    for node, weight in GAUSS:
        for at in (node, 1.0 - node):
            x = at * end
            total += weight * np.exp(-0.5 * (h * x) ** 2) * _scipy.erf(_ROOT_HALF * size * x)
    beyond = 0.25 * (_scipy.erf(_ROOT_HALF * h) - _scipy.erf(_ROOT_HALF * h * end))
    return np.copysign(total * h * end / math.sqrt(8 * math.pi) + np.where(size >= h, beyond, 0.0), m)


@elementwise
def binormal_excess(h: Array, k: Array, a: Array, b: Array, c: Array) -> Array:
    r"""What is left of the bivariate normal distribution function when its values near the origin are taken away.

    .. math:: P(U \le h,\, V \le k) - \Big(\frac14 + \frac{\arcsin r}{2\pi}\Big)
              - \frac12 \Big(\Phi(H) - \frac12\Big) - \frac12 \Big(\Phi(K) - \frac12\Big),

    with :math:`H = h/\sqrt a,\ K = k/\sqrt b,\ r = c/\sqrt{ab}`.  It is of second order in H and K, and the sum of two
    integrals whose integrands have one sign: for variances far above the squares of h and k it keeps the digits that
    a sum of probabilities of order 1 loses.

    Parameters
    ----------
    h, k : array_like
        Upper ends.
    a, b : array_like
        Variances; where one is 0 the variables count as independent.
    c : array_like
        Covariance.

    Examples
    --------
    >>> binormal_excess(1e-8, 1e-8, 1.0, 1.0, [0.0, 0.5])
    array([1.59154943e-17, 9.18881492e-18])
    """
    h, k, a, b, c = (np.array(v) for v in np.broadcast_arrays(h, k, a, b, c))
    unknown = np.isnan(h) | np.isnan(k) | ~np.isfinite(a + b + c)
    h, k, a, b, c = normalised(h, k, a, b, c)
    alone = (a == 0) | (b == 0)
    in_h, in_k = (0.5 * _scipy.erf(_ROOT_HALF * x / np.sqrt(np.where(v > 0, v, 1.0))) for x, v in ((h, a), (k, b)))
    singular = rootgap(a, b, c) == 0
    value = np.where(c > 0, -0.5 * np.abs(in_h - in_k), 0.5 * np.abs(in_h + in_k))
    value = np.where(alone, in_h * in_k, value)
    regular = ~(alone | singular | unknown)
    if regular.any():
        point = Corner(np.zeros(regular.sum()), *(x[regular] for x in (h, k, a, b, c)))
        first = _wedge(np.abs(point.h), -np.copysign(1.0, point.h) * point.beyond_h)
        value[regular] = first + _wedge(np.abs(point.k), -np.copysign(1.0, point.k) * point.beyond_k)
    return np.where(unknown, np.nan, value)
