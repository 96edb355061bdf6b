"""Exact covariances of a pair: their sign conditions are decided, not rounded."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dekderive.certificates.balls import Ball, as_ball, evaluate
from dekderive.certificates.enclosure import Exact, as_exact, enclose
from dekderive.errors import InvalidInput

__all__ = ["Covariance", "covariance", "variance"]


@dataclass(frozen=True, slots=True)
class Covariance:
    """A positive semidefinite covariance of (U, V), exact.

    Attributes
    ----------
    xx, yy, xy : sympy.Expr
        Exact numbers.
    gap : sympy.Expr
        xx yy - xy^2 >= 0; exactly 0 if U and V are multiples of each other.
    """

    xx: sp.Expr
    yy: sp.Expr
    xy: sp.Expr
    gap: sp.Expr

    def correlation(self) -> Ball:
        """Return xy / sqrt(xx yy) as a ball at the working precision; 0 if a variance is 0."""
        if self.xx == 0 or self.yy == 0:
            return as_ball(sp.S.Zero)
        return as_ball(evaluate(self.xy / (sp.sqrt(self.xx) * sp.sqrt(self.yy)), {}))

    def complement(self) -> Ball:
        """Return sqrt(1 - correlation^2), without cancellation."""
        return as_ball(evaluate(self.gap / (self.xx * self.yy), {})).sqrt()


def variance(value: Exact) -> sp.Expr:
    """Return an exact non-negative number.

    Raises
    ------
    InvalidInput
        If it is a float, not a number, or negative.

    Examples
    --------
    >>> variance(sp.sqrt(2)), variance(0)
    (sqrt(2), 0)
    """
    number = as_exact(value)
    if _sign(number) < 0:
        raise InvalidInput(f"the variance {number} is negative; a variance is an exact number >= 0")
    return sp.S.Zero if _sign(number) == 0 else number


def covariance(kxx: Exact, kyy: Exact, kxy: Exact) -> Covariance:
    """Return the covariance, checked.

    Raises
    ------
    InvalidInput
        If an entry is not exact, or the matrix is not positive semidefinite.

    Examples
    --------
    >>> covariance(2, 1, sp.sqrt(2)).gap
    0
    """
    a, b, c = variance(kxx), variance(kyy), as_exact(kxy)
    gap = a * b - c**2 if all(k.is_Rational for k in (a, b, c)) else sp.expand(a * b - c**2)
    sign = _sign(gap)
    if sign < 0:
        raise InvalidInput(f"kxy^2 = {c**2} exceeds kxx kyy = {a * b}: not a covariance")
    return Covariance(a, b, c, sp.S.Zero if sign == 0 else gap)


def _sign(number: sp.Expr) -> int:
    if number.is_Rational:
        return (int(number.p) > 0) - (int(number.p) < 0)
    value = enclose(number, {}, 128)
    if value.excludes_zero:
        return 1 if value.is_positive else -1
    if number.equals(0):
        return 0
    raise InvalidInput(f"whether {number} is 0 was not decided; write the covariance with rational numbers")
