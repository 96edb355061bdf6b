r"""Certified Hermite series of an activation, with what is cut off: the certificate of a dual as a polynomial.

With :math:`\alpha_n = E[f(\sqrt{k_{xx}} X) h_n(X)]` the dual at equal variances is :math:`\sum \alpha_n^2 \rho^n`, at
different ones :math:`\sum \alpha_n \beta_n \rho^n`.  By Parseval

.. math:: \sum_{n > N} \alpha_n^2 = E f^2 - \sum_{n \le N} \alpha_n^2, \qquad
          \sum_{n > N} n \alpha_n^2 = k_{xx} E f'^2 - \sum_{n \le N} n \alpha_n^2,

the second since :math:`\alpha_{n + 1} \sqrt{n + 1} = \sqrt{k_{xx}}\, E[f'(\sqrt{k_{xx}} X) h_n(X)]`.  Their roots
bound the error of the truncated series and of its derivative on [-1, 1] at once, by Cauchy and Schwarz.

All coefficients come from one trapezoidal sum.  The contour may be moved by :math:`|y| \le d` at the price of
:math:`e^{d^2/2} E[M(|X|)^2]^{1/2} L_n(-d^2)^{1/2}`, since :math:`E|h_n(X + iy)|^2 = L_n(-y^2)` (Laguerre); the nodes
beyond :math:`|X| > T` are bounded with Cramér's inequality :math:`|h_n(x)| \le 1.0865\, e^{x^2/4}`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import mpmath
import sympy as sp
from flint import arb

from dekderive.certificates.balls import Ball, as_ball, evaluate, to_enclosure, working_precision
from dekderive.certificates.complex_balls import compile_function
from dekderive.certificates.covariance import variance as exact_variance
from dekderive.certificates.enclosure import Exact
from dekderive.certificates.interval import Enclosure
from dekderive.certificates.majorants import grid_tail, moment
from dekderive.certificates.mehler import CRAMER, coefficients_by_pieces, mean_by_pieces
from dekderive.certificates.pieces import slope
from dekderive.certificates.strip_table import fraction_ball
from dekderive.certificates.strips import strip_width
from dekderive.certificates.trapezoid import Factor, candidates, grid, line_expectation, shift_error
from dekderive.errors import InvalidInput, NotCertified, NotConverged, NotIntegrable
from dekderive.symbols import z

__all__ = ["HermiteSeries", "hermite_series"]

_REAL = Fraction(0)
_QUARTER = Fraction(1, 4)


@dataclass(frozen=True, slots=True)
class HermiteSeries:
    """The first coefficients of an activation at one variance, and proved bounds of the others.

    Attributes
    ----------
    coefficients : tuple of Enclosure
        alpha_0 ... alpha_N.
    tail : mpmath.mpf
        At least sqrt(sum over n > N of alpha_n^2).
    slope_tail : mpmath.mpf
        At least sqrt(sum over n > N of n alpha_n^2); infinite where f jumps or no bound of f' is proved.
    energy : Enclosure
        E[f^2].
    """

    coefficients: tuple[Enclosure, ...]
    tail: mpmath.mpf
    slope_tail: mpmath.mpf
    energy: Enclosure

    def error_bound(self, other: HermiteSeries) -> mpmath.mpf:
        """Return a bound, over all correlations in [-1, 1], of what the series of E[f(U) g(V)] leaves out.

        A polynomial with rounded coefficients adds the sum of what the rounding changed, at most.
        """
        return mpmath.fmul(self.tail, other.tail, prec=53, rounding="u")

    def slope_error_bound(self, other: HermiteSeries) -> mpmath.mpf:
        """Return a bound, over [-1, 1], of what the derivative of the series in the correlation leaves out."""
        return mpmath.fmul(self.slope_tail, other.slope_tail, prec=53, rounding="u")


def hermite_series(f: sp.Expr, variance: Exact, order: int, bits: int = 64) -> HermiteSeries:
    """Return certified Hermite coefficients of f at a variance, and bounds of the rest.

    Parameters
    ----------
    f : sympy.Expr
        A function of ``symbols.z``; it may have kinks and jumps.
    variance : exact number
    order : int
        N, the last coefficient.
    bits : int
        Coefficients and E[f^2] have a radius of about 2^-bits; so the tails are bounded by no less than 2^(-bits/2).

    Returns
    -------
    HermiteSeries

    Raises
    ------
    InvalidInput
        If the variance is not an exact number >= 0, or order or bits are not natural numbers.
    NotCertified
        If no proved bound covers f.
    NotIntegrable
        If the bound of f has no expectation at this variance.

    References
    ----------
    Abramowitz and Stegun 22.14.17 (Cramér); Szegő, Orthogonal Polynomials, section 5.1 (Laguerre).

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> series = hermite_series(sp.sin(z), 1, 20)
    >>> print(series.coefficients[1])
    0.60653065971263342 ± ...
    >>> float(series.error_bound(series)) < 1e-18
    True
    """
    f, k = sp.sympify(f), exact_variance(variance)
    if int(order) != order or int(bits) != bits or order < 0 or bits < 1:
        raise InvalidInput(f"order {order!r} and bits {bits!r} must be natural numbers, bits at least 1")
    factor = Factor(f, sp.sqrt(k))
    coefficients = _coefficients(factor, order, bits)
    with working_precision(2 * bits + 64):
        energy = _energy(f, k, bits)
        rest = energy - _sum_of_squares(coefficients, [1] * (order + 1))
        enclosures = tuple(to_enclosure(a) for a in coefficients)
        tail = _root(rest)
        return HermiteSeries(enclosures, tail, _slope_tail(f, k, coefficients, bits), to_enclosure(energy))


def _coefficients(factor: Factor, order: int, bits: int) -> list[Ball]:
    if factor.scale == 0:  # the constant f(0)
        with working_precision(bits + 32):
            return [as_ball(evaluate(factor.expr.subs(z, 0), {})), *[arb(0)] * order]
    if strip_width(factor.expr) != 0:
        return _by_trapezoid(factor, order, bits)
    with working_precision(bits + 32):
        return coefficients_by_pieces(factor.expr, factor.ball(), order, bits)


def _sum_of_squares(coefficients: list[Ball], weights: list[int]) -> Ball:
    return sum((a * a * w for a, w in zip(coefficients, weights, strict=True)), arb(0))


def _root(square: Ball) -> mpmath.mpf:
    """Return an upper bound of the root of a number that is not negative."""
    return to_enclosure(arb.max(square.upper(), arb(0)).sqrt()).upper


def _energy(f: sp.Expr, k: sp.Expr, bits: int) -> Ball:
    """Return a ball for E[f^2] of radius about 2^-bits."""
    factor = Factor(f, sp.sqrt(k))
    if k == 0:
        return as_ball(evaluate(f.subs(z, 0), {})) ** 2
    if strip_width(f) == 0:
        return mean_by_pieces(f, factor.ball(), bits, 2)
    return line_expectation((factor, factor), Fraction(1, 2**bits))


def _slope_tail(f: sp.Expr, k: sp.Expr, coefficients: list[Ball], bits: int) -> mpmath.mpf:
    try:
        energy = as_ball(k) * _energy(slope(f), k, bits)
    except (NotCertified, NotIntegrable):
        return mpmath.inf
    return _root(energy - _sum_of_squares(coefficients, list(range(len(coefficients)))))


def _by_trapezoid(factor: Factor, order: int, bits: int) -> list[Ball]:
    step, count, error, work = _plan(factor, order, bits)
    for spare in (0, 1, 3, 7):  # balls lose up to log2 of what the recurrence would give with all signs equal
        with working_precision(work + spare * (order + 32)):
            balls = [a + arb(0, error) for a in _sums(factor, order, step, count)]
            if all(bool(a.rad() <= arb(2) ** -bits) for a in balls):
                return balls
    raise NotConverged(f"{bits} bits were not reached at order {order}; ask for fewer")


def _plan(factor: Factor, order: int, bits: int) -> tuple[Fraction, int, Ball, int]:
    """Return step, number of nodes on either side, a bound of what they neglect, and the precision to work with."""
    digits = (bits + 2) * math.log(2)
    with working_precision(64):
        best = (0.0, 0.0, arb(1))
        for d, (width,) in candidates((factor,), (1.0,), digits):
            mass = moment(factor.bound(width) ** 2).sqrt() * (arb(d) * arb(d) / 2).exp()
            mass *= arb.max(arb(1), (-arb(d) * arb(d)).laguerre_l(order)).sqrt()
            size = digits + math.log(8 * float(mass) + 1e-300) if mass.is_finite() else math.inf
            best = max(best, (2 * math.pi * d / size, d, mass), key=lambda found: found[0])
        if best[0] == 0.0:
            raise NotCertified(f"no strip of {factor.expr} has a finite bound at this variance; ask for a smaller one")
        step = grid(best[0])
        growth = factor.bound(_REAL) * fraction_ball(CRAMER)
        count, tail = 2 + math.ceil(2 * math.sqrt(digits) / step), arb.pos_inf()
        while not bool(tail < arb(2) ** (-bits - 2)):
            count += 1 + count // 32
            try:
                tail = grid_tail(growth, fraction_ball(step), count, _QUARTER)
            except NotCertified:  # not yet beyond the peak of the terms
                tail = arb.pos_inf()
            if count > 2**20:
                raise NotConverged("the tails of the activation are too heavy for this many bits; ask for fewer")
        error = (shift_error(best[2], arb(best[1]), step) + tail).upper()
        size = math.log2(2 + float(moment(growth)))
    return step, count, error, bits + 32 + order + math.ceil(size)


def _sums(factor: Factor, order: int, step: Fraction, count: int) -> list[Ball]:
    """Return h sum f(s x) h_n(x) phi(x) for n = 0 ... order by h_{n+1} = (x h_n - sqrt(n) h_{n-1}) / sqrt(n+1)."""
    h, function, scale = fraction_ball(step), compile_function(factor.expr, "real"), factor.ball()
    roots = [arb(n).sqrt() for n in range(order + 2)]
    inverses = [arb(1)] + [1 / r for r in roots[1:]]
    norm = h * (2 * arb.pi()).rsqrt()
    sums = [arb(0)] * (order + 1)
    for i in range(-count, count + 1):
        x = h * i
        previous, present = arb(0), function(scale * x) * (-x * x / 2).exp() * norm
        for n in range(order + 1):
            sums[n] += present
            previous, present = present, (x * present - roots[n] * previous) * inverses[n + 1]
    return sums
