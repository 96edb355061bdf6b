"""A Gaussian pair at a point: the margin of one variable given the other, and the exponent of the joint density."""

from __future__ import annotations

import numpy as np

from dekderive.kernels.double_double import Pair, add, divide, multiply, scale, two_product
from dekderive.kernels.elementwise import Array, elementwise

__all__ = ["conditional_margin", "squared_distance"]

_LARGE = 1e70  # stands for infinity, and has a square
_SAME = 2e-15  # relative difference of two margins that are one but for rounding


class _Point:
    """(h, k) and the law, scaled by powers of two so that the variances are of order 1; differences are exact."""

    def __init__(self, h: Array, k: Array, a: Array, b: Array, c: Array) -> None:
        h, k, a, b, c = np.broadcast_arrays(h, k, a, b, c)
        half_a, half_b = (np.frexp(a)[1] + 1) // 2, (np.frexp(b)[1] + 1) // 2
        self.h = np.clip(np.ldexp(h, -half_a), -_LARGE, _LARGE)
        self.k = np.clip(np.ldexp(k, -half_b), -_LARGE, _LARGE)
        self.a, self.b = np.ldexp(a, -2 * half_a), np.ldexp(b, -2 * half_b)
        self.c = np.ldexp(c, -half_a - half_b)
        self.determinant = add(two_product(self.a, self.b), scale(two_product(self.c, self.c), -1.0))
        self.across = add(two_product(self.a, self.k), scale(two_product(self.c, self.h), -1.0))  # a k - c h
        self.in_h, self.in_k = _margin(self.h, self.a), _margin(self.k, self.b)
        self.singular = self.determinant[0] <= 0

    def surplus(self) -> Array:
        """K - r H for a singular law, r = 1 or -1 (0 without a variance); 0 where only rounding tells them apart."""
        r = np.where((self.a > 0) & (self.b > 0), np.sign(self.c), 0.0)
        expected = np.where(r == 0, 0.0, r * self.in_h)
        size = np.maximum(np.abs(self.in_k), np.abs(expected))
        same = (np.abs(self.in_k - expected) <= _SAME * size) & (size < np.inf)
        return np.where(same, 0.0, self.in_k - expected)


def _margin(x: Array, variance: Array) -> Array:
    return np.where((x == 0) & (variance == 0), 0.0, x / np.sqrt(variance))


def _square(x: Array) -> Pair:
    return two_product(x, x)


@elementwise
def conditional_margin(h: Array, k: Array, a: Array, b: Array, c: Array) -> Array:
    r"""Standardised margin of V <= k given U = h, :math:`(k - h c/a) / \sqrt{b - c^2/a}`.

    For a singular covariance it is the limit: :math:`\pm\infty`, or 0 where :math:`k = h c/a` up to rounding.  Where a
    is 0, so is the covariance, and the margin is :math:`k / \sqrt b`.

    Parameters
    ----------
    h, k : array_like
        The two levels.
    a, b, c : array_like
        Variances and covariance.

    Examples
    --------
    >>> conditional_margin(1.0, 1.0, [1.0, 1.0, 1.0], [1.0, 1.0, 4.0], [0.0, 1.0, 2.0])
    array([ 1.,  0., -inf])
    """
    point = _Point(h, k, a, b, c)
    surplus = point.surplus()
    limit = np.where(surplus == 0, 0.0, np.copysign(np.inf, surplus))
    value = point.across[0] / (np.sqrt(point.a) * np.sqrt(np.maximum(point.determinant[0], 0.0)))
    value = np.where(point.singular, np.where(np.isnan(surplus), surplus, limit), value)
    return np.where(point.a == 0, point.in_k, value)


@elementwise
def squared_distance(h: Array, k: Array, a: Array, b: Array, c: Array) -> Array:
    r"""Squared Mahalanobis distance of a point from the origin, :math:`(b h^2 - 2 c h k + a k^2) / (a b - c^2)`.

    It is twice the exponent of the joint density.  For a singular covariance it is the limit: infinite, or
    :math:`h^2 / a` where :math:`k = h c/a` up to rounding.

    Parameters
    ----------
    h, k : array_like
        The point.
    a, b, c : array_like
        Variances and covariance.

    Examples
    --------
    >>> squared_distance(1.0, 1.0, [1.0, 1.0, 1.0], [1.0, 1.0, 4.0], [0.0, 1.0, 2.0])
    array([ 2.,  1., inf])
    """
    p = _Point(h, k, a, b, c)
    zero = np.zeros_like(p.a)
    across = divide(multiply(p.across, p.across), multiply((p.a, zero), p.determinant))
    regular = add(divide(_square(p.h), (p.a, zero)), across)[0]
    alone = np.where((p.a == 0) | (p.b == 0), p.in_h**2 + p.in_k**2, p.in_h**2)
    surplus = np.where((p.a == 0) | (p.b == 0), 0.0, p.surplus())
    return np.where(p.singular, np.where(surplus == 0, alone, surplus**2 * np.inf), regular)
