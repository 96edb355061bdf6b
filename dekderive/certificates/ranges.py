"""Rigorous ranges of expressions in one symbol over an interval.

An interval is a pair of exact end points, never one wide ball: the radius of a ball is rounded upwards, so a ball for
[-1, 1] sticks out of the domain of acos, and exp of a ball for [0, 10] reaches below -20 000.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

import sympy as sp

from dekderive import atoms
from dekderive.atoms import Atom
from dekderive.certificates.balls import Ball, apply, as_ball, ball_function, hull, integer_power
from dekderive.implicit import inverse_log_partition

__all__ = ["Range", "range_of"]

Range: TypeAlias = tuple[Ball, Ball] | None  # None: nothing is known (undefined somewhere, or unbounded)

_INCREASING = (
    sp.exp, sp.log, sp.LambertW, sp.sinh, sp.tanh, sp.asinh, sp.asin, sp.atan, sp.acosh, sp.atanh, sp.erf, sp.erfi,
    sp.sign, atoms.relu, atoms.step, atoms.softplus, atoms.expit, atoms.langevin, atoms.bessel_ratio, atoms.ndtr,
    atoms.log_ndtr, atoms.log_softplus, atoms.log_exprel, atoms.tilted_uniform_mean,
    atoms.truncated_normal_log_partition,
    # The hazard rate h of the normal distribution has 0 < h' < 1 and h'' > 0 (Sampford 1953); these are x + h(-x) and
    # 1 - h'(-x).
    atoms.truncated_normal_mean, atoms.truncated_normal_variance,
)  # fmt: skip
# softplus is log-concave: with u = exp(x), the sign of the slope's derivative is that of log(1 + u) - u.
_DECREASING = (sp.acos, sp.erfc, atoms.inverse_mills, atoms.log1mexp, atoms.log_softplus_slope)
_EVEN = (sp.Abs, sp.cosh, atoms.log_cosh, atoms.log_sinhc, atoms.log_i0)  # and increasing on [0, oo)
# Slopes r' of a ratio r with r' = 1 - n r / x - r^2, where r increases and r / x decreases on (0, oo), and
# s - t x^2 <= r'(x) <= s.  All of it follows from r(x) = sum_k 2 x / (x^2 + a_k), where the a_k are (k pi)^2 for the
# Langevin function and the squared zeros of J_0 for I_1/I_0: r'(x) = sum_k 2 (a_k - x^2) / (a_k + x^2)^2 lies between
# 2 sum_k (1 - 3 x^2 / a_k) / a_k and 2 sum_k 1 / a_k, and the sums over 1/a_k, 1/a_k^2 are 1/6, 1/90 and 1/4, 1/32.
_SLOPES = {
    atoms.langevin_slope: (atoms.langevin, 2, Fraction(1, 3), Fraction(1, 15)),
    atoms.bessel_ratio_slope: (atoms.bessel_ratio, 1, Fraction(1, 2), Fraction(3, 16)),
}


def range_of(expr: sp.Expr, symbol: sp.Symbol, lower: Fraction, upper: Fraction) -> Range:
    """Return bounds of `expr` for `symbol` in [lower, upper], at the current working precision."""
    return _Sweep(symbol, (as_ball(lower).lower(), as_ball(upper).upper()))(expr)


@dataclass
class _Sweep:
    """One interval evaluation of a tree."""

    symbol: sp.Symbol
    interval: Range
    memo: dict[sp.Basic, Range] = field(default_factory=dict)

    def __call__(self, node: sp.Basic) -> Range:
        if node not in self.memo:
            value = self.evaluate(node)
            finite = value is not None and all(end.is_finite() for end in value)
            self.memo[node] = value if finite else None
        return self.memo[node]

    def evaluate(self, node: sp.Basic) -> Range:
        if node == self.symbol:
            return self.interval
        if not node.has(self.symbol):
            ball = as_ball(node)
            return ball.lower(), ball.upper()
        if isinstance(node, inverse_log_partition):
            return self.inverse(node)
        ranges = [self(a) for a in node.args]
        if isinstance(node, sp.Pow):
            return self.power(node)
        if any(r is None for r in ranges):
            return None
        known = [r for r in ranges if r is not None]
        if isinstance(node, (sp.Add, sp.Mul)):
            combine = _add if isinstance(node, sp.Add) else _multiply
            total = known[0]
            for r in known[1:]:
                total = combine(total, r)
            return total
        if isinstance(node, (sp.Max, sp.Min)):
            pick = max if isinstance(node, sp.Max) else min
            return pick(r[0] for r in known), pick(r[1] for r in known)
        return self.function(node, known)

    def inverse(self, node: inverse_log_partition) -> Range:
        level = self(node.level)
        if level is None:
            return None
        ends = [ball_function(node, [end]) for end in level]
        return min(e.lower() for e in ends), max(e.upper() for e in ends)

    def power(self, node: sp.Pow) -> Range:
        base, exponent = self(node.base), self(node.exp)
        if base is None or exponent is None:
            return None
        if not isinstance(node.exp, sp.Rational):
            # base**exponent = exp(exponent log base)
            log = (base[0].log().lower(), base[1].log().upper()) if base[0] > 0 else None
            product = None if log is None else _multiply(exponent, log)
            return None if product is None else (product[0].exp().lower(), product[1].exp().upper())
        return _rational_power(base, node.exp)

    def function(self, node: sp.Expr, ranges: list[tuple[Ball, Ball]]) -> Range:
        kind, (low, high) = node.func, ranges[0]
        if len(ranges) == 1:
            if kind in _INCREASING:
                return apply(kind, low).lower(), apply(kind, high).upper()
            if kind in _DECREASING:
                return apply(kind, high).lower(), apply(kind, low).upper()
            if kind in _EVEN:
                near, far = _moduli(low, high)
                return apply(kind, near).lower(), apply(kind, far).upper()
            if kind in _SLOPES:
                return _slope(kind, *_moduli(low, high))
        if isinstance(node, Atom):
            return self(node.definition)
        ball = ball_function(node, [hull(*r) for r in ranges])
        return ball.lower(), ball.upper()


def _moduli(low: Ball, high: Ball) -> tuple[Ball, Ball]:
    """Return the smallest and the largest |x| in [low, high]."""
    if low >= 0:
        return low, high
    if high <= 0:
        return -high, -low
    return as_ball(Fraction(0)), max(-low, high)


def _slope(kind: type[Atom], near: Ball, far: Ball) -> Range:
    ratio, n, at_zero, curvature = _SLOPES[kind]
    low, high = (as_ball(at_zero) - as_ball(curvature) * far * far).lower(), as_ball(at_zero).upper()
    if near > 0:
        r_near, r_far = apply(ratio, near), apply(ratio, far)
        low = max(low, (1 - n * r_near / near - r_far * r_far).lower())
        high = min(high, (1 - n * r_far / far - r_near * r_near).upper())
    return low, high


def _add(a: tuple[Ball, Ball], b: tuple[Ball, Ball]) -> tuple[Ball, Ball]:
    return (a[0] + b[0]).lower(), (a[1] + b[1]).upper()


def _multiply(a: tuple[Ball, Ball], b: tuple[Ball, Ball]) -> tuple[Ball, Ball]:
    products = [x * y for x in a for y in b]
    return min(p.lower() for p in products), max(p.upper() for p in products)


def _rational_power(base: tuple[Ball, Ball], exponent: sp.Rational) -> Range:
    p, q = abs(int(exponent.p)), int(exponent.q)
    if q > 1:
        if base[0] < 0:
            return None
        base = base[0].root(q).lower(), base[1].root(q).upper()
    if p % 2 == 0:
        near, far = _moduli(*base)
        result = integer_power(near, p).lower(), integer_power(far, p).upper()
    else:
        result = integer_power(base[0], p).lower(), integer_power(base[1], p).upper()
    if exponent > 0:
        return result
    if result[0] <= 0 <= result[1]:
        return None
    return (1 / result[1]).lower(), (1 / result[0]).upper()
