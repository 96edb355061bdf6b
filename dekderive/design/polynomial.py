r"""Polynomial activations, :math:`\sigma(x) = \sum_{k \ge 1} c_k \mathrm{He}_k(x/\tau)/\sqrt{k!}`.

At another variance :math:`q = s \tau^2` the scaling theorem of Hermite polynomials gives

.. math:: \mathbb E \sigma(u)\sigma(v) = \sum_m D_m(s) D_m(s') (c/\tau^2)^m, \qquad
          D_m(s) = \sum_j c_{m+2j} \sqrt{\tfrac{(m+2j)!}{m!}} \frac{(s - 1)^j}{2^j j!},

which has no division: inputs of norm 0 are inputs like others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from dekderive.solvers.solution import Array

__all__ = ["dual", "function", "gap", "mean", "moments", "second", "slope", "slope_dual", "slope_second"]

Coefficients = tuple[float, ...]


def _series(first: float, c: Coefficients, z: Array) -> Array:
    """Return ``first + sum c_k He_k(z) / sqrt(k!)`` by Clenshaw's rule."""
    ahead, here = np.zeros_like(z), np.zeros_like(z)
    for k in range(len(c), 0, -1):
        step = c[k - 1] + z * (here / z.dtype.type(math.sqrt(k + 1)))
        ahead, here = here, step - ahead * z.dtype.type(math.sqrt((k + 1) / (k + 2)))
    return first + z * here - ahead * z.dtype.type(math.sqrt(0.5))


def _derivative(c: Coefficients, tau: float) -> tuple[float, Coefficients]:
    slopes = [math.sqrt(k) * value / tau for k, value in enumerate(c, start=1)]
    return slopes[0], tuple(slopes[1:])


def function(c: Coefficients, tau: float, x: Array) -> Array:
    """The activation.

    Examples
    --------
    >>> function((1.0, 2.0), 1.0, np.array([3.0])) - (3 + 2 * 8 / math.sqrt(2)) < 1e-14
    array([ True])
    """
    return _series(0.0, c, x / x.dtype.type(tau))


def slope(c: Coefficients, tau: float, x: Array) -> Array:
    """Its derivative.

    Examples
    --------
    >>> slope((1.0,), 2.0, np.array([3.0]))
    array([0.5])
    """
    first, rest = _derivative(c, tau)
    return _series(first, rest, x / x.dtype.type(tau))


def moments(c: Coefficients, tau: float) -> Mapping[str, float]:
    """Gaussian moments at tau.

    Examples
    --------
    >>> moments((0.5, 0.25), 1.0)["slope_second"]
    0.375
    """
    square = tau * tau
    degree = math.fsum(k * v * v for k, v in enumerate(c, start=1))
    coupling = math.fsum(math.sqrt((k + 1) * (k + 2)) * c[k - 1] * c[k + 1] for k in range(1, len(c) - 1))
    return {
        "m1": c[0] / tau,
        "m2": math.sqrt(2.0) * c[1] / square if len(c) > 1 else 0.0,
        "second": math.fsum(v * v for v in c),
        "second_slope": (degree + coupling) / square,
        "slope_second": degree / square,
    }


def _rows(first: float, c: Coefficients, excess: Array) -> list[Array]:
    """Return D_0, D_1, ... for s - 1 = excess."""
    every = (first, *c)
    rows = []
    for m in range(len(every)):
        total = np.zeros_like(excess)
        for k in range(len(every) - 1 - (len(every) - 1 - m) % 2, m - 1, -2):
            # From D_m's term k to its term k + 2 the factor is sqrt((k+1)(k+2)) (s - 1) / (2 j), j = (k + 2 - m)/2.
            total = every[k] + total * excess * (math.sqrt((k + 1) * (k + 2)) / (k + 2 - m))
        rows.append(total)
    return rows


def _sum(first: float, c: Coefficients, tau: float, a: Array, b: Array, lag: Array) -> Array:
    square = tau * tau
    left, right = (_rows(first, c, np.asarray(v / square - 1.0)) for v in (a, b))
    ratio = lag / square
    total = left[-1] * right[-1] + 0.0 * ratio
    for x, y in zip(left[-2::-1], right[-2::-1], strict=True):
        total *= ratio
        if np.any(x) and np.any(y):
            total += x * y
    return total


def mean(c: Coefficients, tau: float, variance: Array) -> Array:
    """``E sigma(u)``.

    Examples
    --------
    >>> mean((0.0, 1.0), 1.0, np.array([3.0])) * math.sqrt(2.0)
    array([2.])
    """
    return _rows(0.0, c, np.asarray(variance / tau**2 - 1.0))[0]


def second(c: Coefficients, tau: float, variance: Array) -> Array:
    """``E sigma(u)^2``.

    Examples
    --------
    >>> second((0.6, 0.8), 2.0, np.array([4.0])).round(12)
    array([1.])
    """
    return _sum(0.0, c, tau, variance, variance, variance)


def slope_second(c: Coefficients, tau: float, variance: Array) -> Array:
    """``E sigma'(u)^2``.

    Examples
    --------
    >>> slope_second((0.5, 0.25), 1.0, np.array([1.0])).round(12)
    array([0.375])
    """
    return _sum(*_derivative(c, tau), tau, variance, variance, variance)


def dual(c: Coefficients, tau: float, a: Array, b: Array, lag: Array, gap: Array) -> Array:
    """``E sigma(u) sigma(v)``; the gap is not read.

    Examples
    --------
    >>> one = np.array(1.0)
    >>> float(dual((0.0, 2.0), 1.0, one, one, 0.5 * one, 0.5 * one))
    1.0
    """
    return _sum(0.0, c, tau, a, b, lag)


def slope_dual(c: Coefficients, tau: float, a: Array, b: Array, lag: Array, gap: Array) -> Array:
    """``E sigma'(u) sigma'(v)``; the gap is not read.

    Examples
    --------
    >>> one = np.array(1.0)
    >>> round(float(slope_dual((0.0, 2.0), 1.0, one, one, 0.5 * one, 0.5 * one)), 12)
    4.0
    """
    return _sum(*_derivative(c, tau), tau, a, b, lag)


def gap(c: Coefficients, tau: float, a: Array, b: Array, lag: Array, gap: Array) -> Array:
    """The gap after this layer, to some 1e-16 absolutely.

    Examples
    --------
    >>> one = np.array(1.0)
    >>> gap((1.0, 0.0), 1.0, one, one, 0.25 * one, 0.75 * one)
    array(0.75)
    """
    scale = np.sqrt(second(c, tau, a) * second(c, tau, b))
    value = dual(c, tau, a, b, lag, gap)
    return np.where(scale > 0, np.clip(1.0 - value / np.where(scale > 0, scale, 1.0), 0.0, 2.0), 0.0)
