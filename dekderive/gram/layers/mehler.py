r"""Gaps of expectations without closed form, by Mehler's formula.

With orthonormal Hermite coefficients :math:`\alpha_k(a) = \mathbb E[f(\sqrt a\, z) h_k(z)]`, divided by the root of
:math:`\mathbb E f^2`, and correlation :math:`r = 1 - g`, the gap of :math:`\mathbb E[f(u) f(v)]` is

.. math:: \tfrac12 \sum_k (\alpha_k(a) - \alpha_k(b))^2 + \sum_k \alpha_k(a)\, \alpha_k(b)\, (1 - r^k).

In the second sum :math:`1 - r^{k+1} = (1 - r^k) + r^k g`: nothing is subtracted.  The coefficients belong to rows, so
that a pair costs a few additions and multiplications for each order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dekderive.kernels import hermite
from dekderive.kernels.layered import Expectation
from dekderive.solvers.solution import Array

__all__ = ["Mehler"]

_ORDERS = (63, 127, 255, 511, 1023)
# The last coefficients are to be below this: their squares, and the tail of those after them, are below 1e-17.
_NEGLIGIBLE = 1e-9


class Mehler:
    """Coefficients of the rows of both sides.

    Parameters
    ----------
    series : (order + 1, k) ndarray
        Coefficients at k different variances, divided by the root of the expectation of the square.
    left, right : (n,) and (m,) ndarray of int
        Which of them are those of each row; -1 where they do not decay soon enough.
    """

    def __init__(self, series: Array, left: NDArray[np.intp], right: NDArray[np.intp]) -> None:
        self._series, self._left, self._right = series, left, right

    @classmethod
    def of(cls, expectation: Expectation, left: Array, right: Array) -> Mehler | None:
        """The coefficients at given variances; None where the expectation has a closed form or its function a jump."""
        e = expectation
        if e.closed or e.function is None or e.function.arguments != ("z",):
            return None
        f = e.function.function
        values, places = np.unique(np.concatenate([left, right]), return_inverse=True)
        for order in _ORDERS:
            series = hermite.series(f, values[-1:], order)[0]
            if np.abs(series[-16:]).max() < _NEGLIGIBLE * np.sqrt(series @ series):
                break
        series = np.ascontiguousarray(hermite.series(f, values, order).T)
        series /= np.sqrt(np.sum(series**2, axis=0))
        known = np.abs(series[-16:]).max(axis=0) < _NEGLIGIBLE
        places = np.where(known, np.arange(values.size), -1)[places]
        return cls(series, places[: left.size], places[left.size :])

    def known(self, i: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether the coefficients of both rows of each pair are at hand."""
        return (self._left[i] >= 0) & (self._right[j] >= 0)

    def turned(self, i: NDArray[np.intp], j: NDArray[np.intp], gap: Array) -> Array:
        """The second sum, at pairs of rows whose correlations are ``1 - gap``."""
        total, power, lost = np.zeros_like(gap), np.ones_like(gap), np.zeros_like(gap)
        r, x, y = 1.0 - gap, self._left[i], self._right[j]
        for a in self._series:
            if a.any():
                total += a[x] * a[y] * lost
            lost = lost + power * gap
            power = power * r
        return total

    def correlation(self, i: NDArray[np.intp], j: NDArray[np.intp], r: Array) -> Array:
        """The normalised expectation itself, by Mehler's formula, at pairs of rows with correlations `r`."""
        x, y = self._left[i], self._right[j]
        total = np.zeros_like(r)
        for a in self._series[::-1]:  # Horner's scheme
            total = total * r + a[x] * a[y]
        return total

    def stretched(self, i: NDArray[np.intp], j: NDArray[np.intp]) -> Array:
        """The first sum, whose differences have an absolute error of some 1e-16."""
        total, x, y = np.zeros(i.size), self._left[i], self._right[j]
        for a in self._series:
            total += (a[x] - a[y]) ** 2
        return total / 2
