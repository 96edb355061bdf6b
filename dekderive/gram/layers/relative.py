r"""Kernels of pairs by their gaps: sums and products in which near-duplicates keep their digits.

A positive semi-definite kernel with diagonal entries p, q is written :math:`k = \sqrt{p q}\,(1 - g)`; its *tilt* is
:math:`t = \tfrac12 \log(p/q)`.  Gap and tilt are carried as numbers of their own, each with full relative accuracy.

For a sum, with :math:`f_i = \sqrt{p_i q_i / (P Q)}`, :math:`P = p_1 + p_2`, :math:`Q = q_1 + q_2`,

.. math:: g = f_1 g_1 + f_2 g_2 + (1 - f_1 - f_2), \qquad
          1 - f_1 - f_2 = \frac{4 f_1 f_2 \sinh^2((t_1 - t_2)/2)}{1 + f_1 + f_2},

a sum of terms that are not negative: from :math:`P Q - (\sqrt{p_1 q_1} + \sqrt{p_2 q_2})^2 = (\sqrt{p_1 q_2} -
\sqrt{p_2 q_1})^2`.  A product has the gap :math:`g_1 + g_2 - g_1 g_2`, and tilts add.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dekderive.solvers.solution import Array

__all__ = ["Relative", "angle_of", "product", "total", "with_bias"]


@dataclass(frozen=True, slots=True, eq=False)
class Relative:
    """A kernel at N pairs, with its derivatives along T directions.

    Attributes
    ----------
    p, q : (N,) ndarray
        The kernel at (x, x) and at (y, y).
    gap, tilt : (N,) ndarray
        ``1 - k / sqrt(p q)`` and ``log(p / q) / 2``.
    dp, dq : (N, T) ndarray
        Derivatives of the logarithms of p and q.
    dgap : (N, T) ndarray
    """

    p: Array
    q: Array
    gap: Array
    tilt: Array
    dp: Array
    dq: Array
    dgap: Array

    @property
    def value(self) -> Array:
        """The kernel itself; of one input twice exactly p."""
        return np.where(self.p == self.q, self.p, np.sqrt(self.p) * np.sqrt(self.q)) * (1.0 - self.gap)

    @property
    def slope(self) -> Array:
        """Its derivatives, (N, T)."""
        root = np.sqrt(self.p) * np.sqrt(self.q)
        return root[:, None] * ((1.0 - self.gap)[:, None] * (self.dp + self.dq) / 2 - self.dgap)

    def scaled(self, factor: float, dfactor: Array) -> Relative:
        """``factor * k``, where the logarithm of the factor has the derivatives `dfactor`, (T,)."""
        p, q = factor * self.p, factor * self.q
        return Relative(p, q, self.gap, self.tilt, self.dp + dfactor, self.dq + dfactor, self.dgap)


def angle_of(gap: Array) -> Array:
    """The angle whose cosine is ``1 - gap``."""
    near = 2.0 * np.arcsin(np.sqrt(np.minimum(gap, 2.0 - gap).clip(0.0) / 2.0))
    return np.where(gap <= 1.0, near, np.pi - near)


def product(one: Relative, two: Relative) -> Relative:
    """The product of two kernels."""
    return Relative(
        one.p * two.p,
        one.q * two.q,
        one.gap + two.gap - one.gap * two.gap,
        one.tilt + two.tilt,
        one.dp + two.dp,
        one.dq + two.dq,
        (1.0 - two.gap)[:, None] * one.dgap + (1.0 - one.gap)[:, None] * two.dgap,
    )


def total(one: Relative, two: Relative) -> Relative:
    """The sum of two kernels."""
    p, q = one.p + two.p, one.q + two.q
    shares = (one.p / p, two.p / p, one.q / q, two.q / q)
    dp = shares[0][:, None] * one.dp + shares[1][:, None] * two.dp
    dq = shares[2][:, None] * one.dq + shares[3][:, None] * two.dq
    f2 = np.sqrt(shares[1]) * np.sqrt(shares[3])
    df2 = f2[:, None] * (two.dp + two.dq - dp - dq) / 2
    return _mixed(one, (p, q, dp, dq), shares, (two.gap, two.tilt, two.dgap, (two.dp - two.dq) / 2), df2)


def with_bias(one: Relative, bias: float, dbias: Array) -> Relative:
    """The sum of a kernel and a constant, which may be 0; the constant itself has the derivatives `dbias`, (T,)."""
    if bias == 0 and not dbias.any():
        return one
    p, q = one.p + bias, one.q + bias
    shares = (one.p / p, bias / p, one.q / q, bias / q)
    dp = shares[0][:, None] * one.dp + dbias / p[:, None]
    dq = shares[2][:, None] * one.dq + dbias / q[:, None]
    f2 = np.sqrt(shares[1]) * np.sqrt(shares[3])
    df2 = dbias / (np.sqrt(p) * np.sqrt(q))[:, None] - f2[:, None] * (dp + dq) / 2
    none, flat = np.zeros_like(p), np.zeros_like(one.dp)
    return _mixed(one, (p, q, dp, dq), shares, (none, none, flat, flat), df2)


def _mixed(
    one: Relative,
    sums: tuple[Array, Array, Array, Array],
    shares: tuple[Array, Array, Array, Array],
    two: tuple[Array, Array, Array, Array],
    df2: Array,
) -> Relative:
    """The sum, from both `shares` in its diagonal, and the gap and tilt of the second summand with derivatives."""
    p, q, dp, dq = sums
    u1, u2, v1, v2 = shares
    gap2, tilt2, dgap2, dtilt2 = two
    f1, f2 = np.sqrt(u1) * np.sqrt(v1), np.sqrt(u2) * np.sqrt(v2)
    df1 = f1[:, None] * (one.dp + one.dq - dp - dq) / 2
    apart = one.tilt - tilt2
    near = np.abs(apart) <= 1.0
    safe = np.where(near, apart, 0.0)
    half = np.sinh(safe / 2) ** 2
    whole = 1.0 + f1 + f2
    crossed = (np.sqrt(u1 * v2) - np.sqrt(u2 * v1)) ** 2
    excess = np.where(near, 4 * f1 * f2 * half, crossed) / whole
    gap = excess + f1 * one.gap + f2 * gap2
    dapart = (one.dp - one.dq) / 2 - dtilt2
    inside = (f2 * half)[:, None] * df1 + (f1 * half)[:, None] * df2 + (f1 * f2 * np.sinh(safe) / 2)[:, None] * dapart
    dexcess = np.where(near[:, None], (4 * inside - excess[:, None] * (df1 + df2)) / whole[:, None], -(df1 + df2))
    dgap = dexcess + f1[:, None] * one.dgap + f2[:, None] * dgap2 + one.gap[:, None] * df1 + gap2[:, None] * df2
    return Relative(p, q, gap, _tilt(one.tilt, tilt2, v1, v2, p, q), dp, dq, dgap)


def _tilt(t1: Array, t2: Array, v1: Array, v2: Array, p: Array, q: Array) -> Array:
    """``log(p / q) / 2`` from ``p / q - 1``, which is a mean of those of the summands, where it is small."""
    near = np.maximum(np.abs(t1), np.abs(t2)) <= 1.0
    grown = v1 * np.expm1(2 * np.where(near, t1, 0.0)) + v2 * np.expm1(2 * np.where(near, t2, 0.0))
    return np.where(near, np.log1p(grown) / 2, (np.log(p) - np.log(q)) / 2)
