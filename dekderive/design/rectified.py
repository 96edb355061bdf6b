r"""Leaky ReLU, :math:`\sigma(x) = a x^+ + b \min(x, 0) - (a - b)\tau/\sqrt{2\pi} = \alpha x + \beta |x| - c`.

Here :math:`\alpha = (a + b)/2` and :math:`\beta = (a - b)/2`, and the arc-cosine kernel gives
:math:`\mathbb E|u||v| = \tfrac{2}{\pi}\sqrt{q q'}(\sin\theta + (\tfrac{\pi}{2} - \theta)\cos\theta)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from dekderive.kernels.special import sin_minus_xcos, versine
from dekderive.solvers.solution import Array

__all__ = ["dual", "function", "gap", "mean", "moments", "second", "slope", "slope_dual", "slope_second"]

Slopes = tuple[float, ...]


def _parts(p: Slopes) -> tuple[float, float]:
    return 0.5 * (p[0] + p[1]), 0.5 * (p[0] - p[1])


def _share(p: Slopes) -> float:
    """Variance of the activation relative to that of its argument."""
    even, odd = _parts(p)
    return even * even + odd * odd * (1.0 - 2.0 / math.pi)


def _angle(gap: Array) -> Array:
    return 2.0 * np.arcsin(np.sqrt(0.5 * np.clip(gap, 0.0, 2.0)))


def function(p: Slopes, tau: float, x: Array) -> Array:
    """The activation.

    Examples
    --------
    >>> function((1.0, 1.0), 1.0, np.array([-2.0, 3.0]))
    array([-2.,  3.])
    """
    kind = x.dtype.type
    centre = (p[0] - p[1]) * tau / math.sqrt(2 * math.pi)
    return np.where(x > 0, kind(p[0]) * x, kind(p[1]) * x) - kind(centre)


def slope(p: Slopes, tau: float, x: Array) -> Array:
    """Its derivative; at 0 that to the left.

    Examples
    --------
    >>> slope((1.0, 0.1), 1.0, np.array([-2.0, 3.0]))
    array([0.1, 1. ])
    """
    return np.where(x > 0, x.dtype.type(p[0]), x.dtype.type(p[1]))


def moments(p: Slopes, tau: float) -> Mapping[str, float]:
    """Gaussian moments at tau.

    Examples
    --------
    >>> moments((1.0, 0.0), 1.0)["m1"]
    0.5
    """
    even, odd = _parts(p)
    return {
        "m1": even,
        "m2": odd * math.sqrt(2 / math.pi) / tau,
        "second": tau * tau * _share(p),
        "second_slope": _share(p),
        "slope_second": even * even + odd * odd,
    }


def mean(p: Slopes, tau: float, variance: Array) -> Array:
    """``E sigma(u)``.

    Examples
    --------
    >>> mean((1.0, -1.0), 1.0, np.array([4.0])) / math.sqrt(2 / math.pi)  # E|u| - E|v|
    array([1.])
    """
    return _parts(p)[1] * math.sqrt(2 / math.pi) * (np.sqrt(variance) - tau)


def second(p: Slopes, tau: float, variance: Array) -> Array:
    """``E sigma(u)^2``.

    Examples
    --------
    >>> second((2.0, 2.0), 1.0, np.array([3.0]))
    array([12.])
    """
    return variance * _share(p) + mean(p, tau, variance) ** 2


def slope_second(p: Slopes, tau: float, variance: Array) -> Array:
    """``E sigma'(u)^2``.

    Examples
    --------
    >>> slope_second((1.0, 0.0), 1.0, np.array([3.0]))
    array([0.5])
    """
    return np.full_like(variance, moments(p, tau)["slope_second"])


def dual(p: Slopes, tau: float, a: Array, b: Array, lag: Array, gap: Array) -> Array:
    """``E sigma(u) sigma(v)``.

    Examples
    --------
    >>> one = np.array(1.0)
    >>> abs(dual((1.0, 0.0), 1.0, one, one, 0 * one, one)) < 1e-16
    np.True_
    """
    even, odd = _parts(p)
    theta = _angle(gap)
    excess = np.sin(theta) + (0.5 * math.pi - theta) * np.cos(theta) - 1.0  # E|u||v| / (E|u| E|v|) - 1
    scale = np.sqrt(a) * np.sqrt(b)
    return even * even * lag + (2 / math.pi * odd * odd) * scale * excess + mean(p, tau, a) * mean(p, tau, b)


def slope_dual(p: Slopes, tau: float, a: Array, b: Array, lag: Array, gap: Array) -> Array:
    """``E sigma'(u) sigma'(v)``.

    Examples
    --------
    >>> one = np.array(1.0)
    >>> round(float(slope_dual((1.0, 0.0), 1.0, one, one, 0 * one, one)), 12)
    0.25
    """
    even, odd = _parts(p)
    return even * even + odd * odd * (1.0 - 2.0 / math.pi * _angle(gap))


def gap(p: Slopes, tau: float, a: Array, b: Array, lag: Array, gap: Array) -> Array:
    r"""The gap after this layer, from squared distances: near-duplicates keep their digits.

    :math:`\mathbb E(\sigma(u) - \sigma(v))^2 = (\alpha^2 + \beta^2(1 - \tfrac{2}{\pi}))(\sqrt q - \sqrt{q'})^2 +
    (\mu - \mu')^2 + 2\sqrt{qq'}\,[(\alpha^2 + \beta^2)(1 - \cos\theta) - \tfrac{2}{\pi}\beta^2(\sin\theta -
    \theta\cos\theta)]`, where :math:`\mu` is the mean of the activation.

    Examples
    --------
    >>> one = np.array(1.0)
    >>> float(gap((1.0, 1.0), 1.0, one, one, one, 1e-20 * one) * 1e20)
    1.0
    """
    even, odd = _parts(p)
    theta, x, y = _angle(gap), np.sqrt(a), np.sqrt(b)
    u, v = mean(p, tau, a), mean(p, tau, b)
    loss = (even * even + odd * odd) * versine(theta) - 2 / math.pi * odd * odd * sin_minus_xcos(theta)
    distance = _share(p) * (x - y) ** 2 + (u - v) ** 2 + 2 * x * y * loss
    left, right = np.sqrt(second(p, tau, a)), np.sqrt(second(p, tau, b))
    total, scale = left + right, left * right
    grown = _share(p) * (x - y) * (x + y) + (u - v) * (u + v)
    apart = (grown / np.where(total > 0, total, 1.0)) ** 2
    return np.where(scale > 0, np.clip((distance - apart) / np.where(scale > 0, 2 * scale, 1.0), 0.0, 2.0), 0.0)
