r"""Derivatives of ``E[f(u) g(v)]``: expectations of derivatives, and what the delta functions of jumps and kinks add.

A jump J of f at k is a term J delta(u - k) of f', and gives :math:`J p(u = k)\, E[g'(v) | u = k]`; given u = k, v is
normal of mean (c / a) k and variance b - c^2 / a.
"""

from __future__ import annotations

import math

import numpy as np

from dekderive.kernels.discriminants import rootgap
from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.functions import centred
from dekderive.kernels.expectations.graded import averages
from dekderive.kernels.expectations.mehler import bivariate
from dekderive.kernels.expectations.octaves import tabulated
from dekderive.kernels.expectations.panels import Integrand
from dekderive.kernels.expectations.pieces import Derivative, Product, jumps
from dekderive.kernels.expectations.univariate import SMALL, Mean, density_at

__all__ = ["curvature", "price"]


def price(f: Integrand, g: Integrand, a: Array, b: Array, c: Array) -> Array:
    """Return ``E[f'(u) g'(v)]``, with the delta functions of both.

    Examples
    --------
    >>> price(np.abs, np.abs, *np.array([1.0, 1.0, 0.0])).item()
    0.0
    """
    value = bivariate(Derivative(f, 1), Derivative(g, 1), a, b, c)[0]
    with np.errstate(all="ignore"):
        for knot, height in jumps(f, 0):
            value = value + height * density_at(knot, a) * _given(knot, Derivative(g, 1), a, b, c)
            for other, step in jumps(g, 0):
                value = value + height * step * _joint_density(knot, other, a, b, c)
        for knot, height in jumps(g, 0):
            value = value + height * density_at(knot, b) * _given(knot, Derivative(f, 1), b, a, c)
    return value


def curvature(f: Integrand, g: Integrand, a: Array, b: Array, c: Array) -> Array:
    """Return ``E[f''(u) g(v)]``, with the delta functions of f.

    Except for small variances of u the second derivative is traded for a first one by Stein's identity.

    Examples
    --------
    >>> curvature(np.square, np.cos, *np.array([3.0, 1.0, 0.0])).round(12).item()  # 2 exp(-1/2)
    1.213061319425
    """
    small = a < SMALL
    if small.all():
        return _from_second(f, g, a, b, c)
    if not small.any():
        return _by_stein(f, g, a, b, c)
    a, b, c, small = np.broadcast_arrays(a, b, c, small)
    value = np.empty(a.shape)
    value[small] = _from_second(f, g, a[small], b[small], c[small])
    value[~small] = _by_stein(f, g, a[~small], b[~small], c[~small])
    return value


def _from_second(f: Integrand, g: Integrand, a: Array, b: Array, c: Array) -> Array:
    """From f''."""
    value = bivariate(Derivative(f, 2), g, a, b, c)[0]
    with np.errstate(all="ignore"):
        for knot, kink in jumps(f, 1):
            value = value + kink * density_at(knot, a) * _given(knot, g, a, b, c)
        for knot, height in jumps(f, 0):
            # delta' picks minus the slope, at the knot, of the density times E[g(v) | u].
            slope = _given(knot, Derivative(g, 1), a, b, c)
            for other, step in jumps(g, 0):
                slope = slope + step * _density_given(knot, other, a, b, c)
            change = (c / a) * slope
            if knot:
                change = change - knot / a * _given(knot, g, a, b, c)
            value = value - np.where(density_at(knot, a) > 0, height * density_at(knot, a) * change, 0.0)
    return value


def _by_stein(f: Integrand, g: Integrand, a: Array, b: Array, c: Array) -> Array:
    """From f' and g': ``a E[f''(u) g(v)] = E[u f'(u) g(v)] - c E[f'(u) g'(v)]``."""
    first = bivariate(Product(np.positive, Derivative(f, 1)), g, a, b, c)[0]
    with np.errstate(all="ignore"):
        for knot, height in jumps(f, 0):
            if knot:  # the delta function of a jump at 0 does not show in u f'(u)
                first = first + height * knot * density_at(knot, a) * _given(knot, g, a, b, c)
        return (first - c * price(f, g, a, b, c)) / a


def _deviation(a: Array, b: Array, c: Array) -> Array:
    """Standard deviation of v given u, ``sqrt(b - c^2 / a)``."""
    return np.asarray(rootgap(a, b, c) / np.sqrt(a))


def _given(knot: float, g: Integrand, a: Array, b: Array, c: Array) -> Array:
    """``E[g(v) | u = knot]``."""
    deviation = _deviation(a, b, c)
    if not knot and centred(g):
        variance = deviation**2
        return tabulated(Mean(g), variance.ravel()).reshape(variance.shape)
    mean, deviation = np.broadcast_arrays(knot * (c / a), deviation)
    return averages(g, mean.ravel(), deviation.ravel()).reshape(mean.shape)


def _density_given(knot: float, other: float, a: Array, b: Array, c: Array) -> Array:
    """Density of v at `other`, given u = knot."""
    deviation = _deviation(a, b, c)
    return np.exp(-0.5 * ((other - knot * (c / a)) / deviation) ** 2) / (math.sqrt(2 * math.pi) * deviation)


def _joint_density(knot: float, other: float, a: Array, b: Array, c: Array) -> Array:
    """Density of (u, v) at the two knots; infinite on the line that a correlation of +-1 leaves, 0 off it."""
    gap = rootgap(a, b, c)
    if not knot and not other:
        return 1.0 / (2 * math.pi * gap)
    # c^2 >= 0 is completed in the two squares: nothing cancels unless the point is close to the line.
    sa, sb = np.sqrt(a), np.sqrt(b)
    x, y, r = knot / sa, other / sb, c / (sa * sb)
    sine = gap / (sa * sb)
    off = (y - r * x) / sine
    exponent = np.where((sine == 0) & (y == r * x), 0.0, -0.5 * (off * off + x * x))
    return np.where(exponent == -np.inf, 0.0, np.exp(exponent) / (2 * math.pi * gap))
