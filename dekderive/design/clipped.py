r"""Hard tanh, :math:`\sigma(x) = a \max(-c, \min(x, c))`, odd and therefore centred for every variance.

By Price's theorem the second derivative of :math:`V(s) = \mathbb E\,\mathrm{clip}(u)\,\mathrm{clip}(v)` in the
covariance is :math:`p(s) = 2 (\varphi_s(c, c) - \varphi_s(c, -c))` with the bivariate normal density, so that

.. math:: V(s) = s P_0 + \int_0^s (s - t)\, p(t)\, dt, \qquad V'(s) = P_0 + \int_0^s p(t)\, dt,

where :math:`P_0` is the probability that neither argument is clipped if they are independent.  The substitution
:math:`t = \sqrt{ab} \sin\varphi` removes the root of the density, and Gauss-Legendre rules on panels that shrink
towards :math:`\varphi = \pi/2` resolve the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy import special

from dekderive.solvers.solution import Array

__all__ = ["dual", "function", "gap", "mean", "moments", "second", "slope", "slope_dual", "slope_second"]

Shape = tuple[float, ...]

_NODES, _RULE = (x.tolist() for x in np.polynomial.legendre.leggauss(18))
_CHUNK = 1 << 15  # pairs at a time: they stay in the cache


def _inside(z: Array) -> Array:
    """``P(|u| < c)`` for ``z = c / tau``."""
    return special.erf(z / math.sqrt(2.0))


def _power(z: Array) -> Array:
    """``E clip(u)^2 / tau^2``; the incomplete gamma function P(3/2, z^2/2) is ``E u^2`` inside, over tau^2."""
    return special.gammainc(1.5, 0.5 * z * z) + z * z * special.erfc(z / math.sqrt(2.0))


def function(p: Shape, tau: float, x: Array) -> Array:
    """The activation.

    Examples
    --------
    >>> function((2.0, 1.0), 1.0, np.array([-3.0, 0.5]))
    array([-2.,  1.])
    """
    kind = x.dtype.type
    return kind(p[0]) * np.clip(x, -kind(p[1]), kind(p[1]))


def slope(p: Shape, tau: float, x: Array) -> Array:
    """Its derivative.

    Examples
    --------
    >>> slope((2.0, 1.0), 1.0, np.array([-3.0, 0.5]))
    array([0., 2.])
    """
    return np.where(np.abs(x) < p[1], x.dtype.type(p[0]), x.dtype.type(0.0))


def moments(p: Shape, tau: float) -> Mapping[str, float]:
    """Gaussian moments at tau.

    Examples
    --------
    >>> round(moments((1.0, 1.0), 1.0)["second"], 12)
    0.516058550962
    """
    z, square = p[1] / tau, p[0] * p[0]
    inside = float(_inside(np.asarray(z)))
    return {
        "m1": p[0] * inside,
        "m2": 0.0,
        "second": square * tau * tau * float(_power(np.asarray(z))),
        "second_slope": square * float(special.gammainc(1.5, 0.5 * z * z)),
        "slope_second": square * inside,
    }


def _ratio(p: Shape, variance: Array) -> Array:
    root = np.sqrt(np.asarray(variance, dtype=np.float64))
    return p[1] / np.where(root > 0, root, np.inf) + np.where(root > 0, 0.0, np.inf)


def mean(p: Shape, tau: float, variance: Array) -> Array:
    """``E sigma(u)``, which is 0.

    Examples
    --------
    >>> mean((1.0, 1.0), 1.0, np.array([3.0]))
    array([0.])
    """
    return np.zeros_like(variance)


def second(p: Shape, tau: float, variance: Array) -> Array:
    """``E sigma(u)^2``.

    Examples
    --------
    >>> second((1.0, 1.0), 1.0, np.array([0.0, 1e12])).round(5)
    array([0., 1.])
    """
    z = np.minimum(_ratio(p, variance), 40.0)  # beyond it nothing is clipped
    return p[0] ** 2 * variance * _power(z)


def slope_second(p: Shape, tau: float, variance: Array) -> Array:
    """``E sigma'(u)^2``.

    Examples
    --------
    >>> slope_second((2.0, 1.0), 1.0, np.array([0.0]))
    array([4.])
    """
    return p[0] ** 2 * _inside(_ratio(p, variance))


def _primitives(p: Shape, a: Array, b: Array, gap: Array) -> tuple[Array, Array]:
    """Both integrals, for unit slope, of pairs in one dimension."""
    root = np.sqrt(a) * np.sqrt(b)
    theta = 2.0 * np.arcsin(np.sqrt(0.5 * np.minimum(gap, 2.0 - gap)))  # |rho| = cos(theta)
    sign = np.where(gap > 1.0, -1.0, 1.0)
    first, second = np.zeros_like(root), np.zeros_like(root)
    usable = root > p[1] ** 2 / 700.0  # below it no argument is ever clipped
    panels = np.maximum(np.ceil(np.log2(0.5 * math.pi / np.maximum(theta, 1e-9))).astype(int), 1)
    for count in np.unique(panels[usable]):
        chosen = np.flatnonzero(usable & (panels == count))
        for begin in range(0, chosen.size, _CHUNK):
            rows = chosen[begin : begin + _CHUNK]
            first[rows], second[rows] = _on_panels(p[1], a[rows], b[rows], root[rows], theta[rows], int(count))
    return sign * first, second


def _on_panels(c: float, a: Array, b: Array, root: Array, theta: Array, count: int) -> tuple[Array, Array]:
    """Integrate over panels whose distance from pi/2 halves; the angle is measured from pi/2."""
    spread = -0.5 * c * c * (np.sqrt(a) - np.sqrt(b)) ** 2 / (root * root)
    cosine = np.cos(theta)
    first, second = np.zeros_like(root), np.zeros_like(root)
    for k in range(count):
        start = 0.5 * math.pi * 0.5**k
        end = theta if k == count - 1 else 0.5 * start
        half = 0.5 * (start - end)
        for node, weight in zip(_NODES, _RULE, strict=True):
            x = end + half * (1.0 + node)
            tail = 2.0 * np.sin(0.5 * x) ** 2  # 1 - sin(phi), phi = pi/2 - x
            decay = np.exp(spread / np.sin(x) ** 2)
            same = np.exp(-(c * c) / (root * (2.0 - tail)))
            other = np.exp(-(c * c) / (root * tail))
            density = (weight / math.pi) * half * decay * (same - other)
            first += density * root * (cosine - 1.0 + tail)
            second += density
    return first, second


def _pairs(p: Shape, a: Array, b: Array, lag: Array, gap: Array) -> tuple[Array, Array, Array, tuple[Array, Array]]:
    a, b, lag, gap = np.broadcast_arrays(a, b, lag, gap)
    flat = [np.ascontiguousarray(v, dtype=np.float64).ravel() for v in (a, b, gap)]
    first, second = _primitives(p, *flat)
    return a, b, lag, (first.reshape(a.shape), second.reshape(a.shape))


def dual(p: Shape, tau: float, a: Array, b: Array, lag: Array, gap: Array) -> Array:
    """``E sigma(u) sigma(v)``, to some 1e-15 of the variance of sigma.

    Examples
    --------
    >>> one = np.array(1.0)
    >>> round(float(dual((1.0, 1.0), 1.0, one, one, one, 0 * one)), 12)
    0.516058550962
    """
    a, b, lag, (first, _) = _pairs(p, a, b, lag, gap)
    return p[0] ** 2 * (lag * _inside(_ratio(p, a)) * _inside(_ratio(p, b)) + first)


def slope_dual(p: Shape, tau: float, a: Array, b: Array, lag: Array, gap: Array) -> Array:
    """``E sigma'(u) sigma'(v)``, the probability that neither argument is clipped, times a^2.

    Examples
    --------
    >>> one = np.array(1.0)
    >>> round(float(slope_dual((1.0, 1.0), 1.0, one, one, 0 * one, one)), 6)  # 0.682689^2
    0.466065
    """
    a, b, lag, (_, second) = _pairs(p, a, b, lag, gap)
    return p[0] ** 2 * (_inside(_ratio(p, a)) * _inside(_ratio(p, b)) + second)


def gap(p: Shape, tau: float, a: Array, b: Array, lag: Array, gap: Array) -> Array:
    """The gap after this layer, to some 1e-15 absolutely.

    Examples
    --------
    >>> one = np.array(1.0)
    >>> round(float(gap((1.0, 1.0), 1.0, one, one, 0 * one, one)), 12)
    1.0
    """
    scale = np.sqrt(second(p, tau, a) * second(p, tau, b))
    value = dual(p, tau, a, b, lag, gap)
    return np.where(scale > 0, np.clip(1.0 - value / np.where(scale > 0, scale, 1.0), 0.0, 2.0), 0.0)
