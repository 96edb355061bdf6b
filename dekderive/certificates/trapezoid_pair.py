r"""Gaussian expectations in two variables by trapezoidal sums on two lattices, with proved errors.

For F analytic where :math:`|\operatorname{Im} u| < d_1` and :math:`|\operatorname{Im} v| < d_2`, Poisson's formula says
:math:`hk \sum F(ih, jk) - \iint F = \sum_{(m, n) \ne 0} \hat F(2 \pi m/h, 2 \pi n/k)`.  Moving the contour of u by
:math:`\pm d_1` (n = 0), of v by :math:`\pm d_2` (m = 0), or both by half as much bounds the three kinds of terms by

.. math:: \frac{2 M_1}{e^{2\pi d_1/h} - 1} + \frac{2 M_2}{e^{2\pi d_2/k} - 1}
          + \frac{4 M_{12}}{(e^{\pi d_1/h} - 1)(e^{\pi d_2/k} - 1)},

M being bounds of :math:`\iint |F|` on the shifted contours.  (In one variable this is the theorem of `trapezoid`.)
Two coordinates are in use; both have :math:`r = \sqrt{1 - \rho^2}`.

*Lattice*: U and V themselves.  f is needed at n nodes and g at m nodes only, and the sum is one polynomial evaluation
for each node: the density is :math:`e^{-(u^2 + v^2)/2r^2} e^{\rho u v/r^2}`, and the last factor is the power
:math:`(e^{\rho h k/r^2})^{ij}`.  A shift by y costs :math:`e^{y^2/2r^2}`: many nodes are needed as |rho| tends to 1.

*Whitened*: :math:`V = \rho U + r W` with W independent of U.  g is needed at all pairs of nodes, but a shift costs
:math:`e^{y^2/2}` only, at any correlation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from math import comb

from flint import arb, arb_poly

from dekderive.certificates.balls import Ball, as_ball, evaluate, working_precision
from dekderive.certificates.complex_balls import compile_function
from dekderive.certificates.covariance import Covariance
from dekderive.certificates.majorants import Majorant, exponential, grid_total, moment, power, total
from dekderive.certificates.strip_table import fraction_ball
from dekderive.certificates.trapezoid import (
    BOUND_BITS,
    Factor,
    bits_for,
    candidates,
    count_nodes,
    digits_for,
    grid,
    need_strip,
    shift_error,
)
from dekderive.errors import NotCertified, NotConverged

__all__ = ["joint", "pair_expectation"]

_REAL = Fraction(0)
_COST_OF_EVALUATION = 100  # in units of one multiplication of balls


@dataclass(frozen=True, slots=True)
class _Axis:
    """One coordinate: the strip's half width in it and in the arguments of the two functions, and the step."""

    half_width: float
    widths: tuple[Fraction, Fraction]
    step: Fraction

    def error(self, mass: Ball, spread: Ball) -> Ball:
        """Return what moving this contour neglects."""
        d = arb(self.half_width)
        return shift_error(mass * (d * d / (2 * spread)).exp(), d, self.step)


@dataclass(frozen=True, slots=True)
class _Plan:
    whitened: bool
    steps: tuple[Fraction, Fraction]
    counts: tuple[int, int]
    error: Ball
    size: float


def pair_expectation(f: Factor, g: Factor, k: Covariance, radius: Fraction, method: str | None = None) -> Ball:
    """Return a ball around E[f(U) g(V)] of at most this radius, for a correlation strictly between -1 and 1.

    Parameters
    ----------
    f, g : Factor
        The functions with the scales sqrt(kxx), sqrt(kyy).
    k : Covariance
    radius : Fraction
    method : {"lattice", "whitened"}, optional
        The cheaper one if not given.

    Returns
    -------
    Ball

    Raises
    ------
    NotCertified, NotIntegrable, NotConverged
        As for `trapezoid.line_expectation`.

    Examples
    --------
    >>> import sympy as sp
    >>> from dekderive.certificates.covariance import covariance
    >>> from dekderive.symbols import z
    >>> f, k = Factor(sp.cos(z), sp.Integer(1)), covariance(1, 1, sp.Rational(1, 2))
    >>> value = pair_expectation(f, f, k, Fraction(1, 10**20))
    >>> value.overlaps(arb(-1).exp() * (arb(1) / 2).cosh())
    True
    """
    need_strip(f.expr), need_strip(g.expr)
    whitened = None if method is None else method == "whitened"
    wanted = radius
    for _ in range(8):
        with working_precision(BOUND_BITS):
            plan = _plan(f, g, k, wanted / 2, whitened)
        bits = 32 + bits_for(radius) + math.ceil(math.log2(1 + plan.size)) + sum(n.bit_length() for n in plan.counts)
        with working_precision(bits):
            value = (_whitened_sum if plan.whitened else _lattice_sum)(f, g, k, plan) + arb(0, plan.error)
            if bool(value.rad() <= fraction_ball(radius)):
                return value
        wanted /= 16
    raise NotConverged(f"the radius {float(radius):.3g} was not reached; ask for a larger one")


# ---- the two sums ---------------------------------------------------------------------------------------------------


def _lattice_sum(f: Factor, g: Factor, k: Covariance, plan: _Plan) -> Ball:
    h1, h2 = (fraction_ball(h) for h in plan.steps)
    n, m = plan.counts
    square = as_ball(evaluate(k.gap / (k.xx * k.yy), {}))
    rows = _weighted_values(f, h1, n, 2 * square)
    columns = arb_poly(_weighted_values(g, h2, m, 2 * square))
    rate = k.correlation() * h1 * h2 / square
    result = arb(0)
    for i, value in enumerate(rows, -n):
        base = (rate * i).exp()
        result += value * columns(base) * (-rate * (i * m)).exp()
    return result * h1 * h2 / (2 * arb.pi() * square.sqrt())


def _weighted_values(f: Factor, step: Ball, count: int, spread: Ball) -> list[Ball]:
    """Return f(s u) exp(-u^2 / spread) at the nodes."""
    function, scale, exponent = compile_function(f.expr, "real"), f.ball() * step, -step * step / spread
    return [function(scale * i) * (exponent * (i * i)).exp() for i in range(-count, count + 1)]


def _whitened_sum(f: Factor, g: Factor, k: Covariance, plan: _Plan) -> Ball:
    h1, h2 = (fraction_ball(h) for h in plan.steps)
    n, m = plan.counts
    rows = _weighted_values(f, h1, n, arb(2))
    exponent = -h2 * h2 / 2
    weights = [(exponent * (j * j)).exp() for j in range(-m, m + 1)]
    function = compile_function(g.expr, "real")
    along, across = g.ball() * k.correlation() * h1, g.ball() * k.complement() * h2
    offsets = [across * j for j in range(-m, m + 1)]
    result = arb(0)
    for i, value in enumerate(rows, -n):
        centre, row = along * i, arb(0)
        for offset, weight in zip(offsets, weights, strict=True):
            row += weight * function(centre + offset)
        result += value * row
    return result * h1 * h2 / (2 * arb.pi())


# ---- what they neglect ----------------------------------------------------------------------------------------------


def _split(bound: Majorant) -> list[tuple[Majorant, Majorant]]:
    """Return pairs (A, B) with M(|V|) <= sum of A(|U|) B(|W|), V = rho U + r W.

    M is made to rise with |V| first.  |V| <= |U| + |W|, and V^2 <= U^2 + W^2 by Cauchy and Schwarz; powers are
    expanded by the binomial theorem.
    """
    pairs = []
    for (p, rate, curve), c in bound.rising().terms.items():
        grown = exponential(rate, curve)
        pairs += [(power(p - m) * grown * (c * comb(p, m)), power(m) * grown) for m in range(p + 1)]
    return pairs


def joint(first: Majorant, second: Majorant) -> list[tuple[Majorant, Majorant]]:
    """Return pairs (A, B) with M1(|U|) M2(|V|) <= sum of A(|U|) B(|W|), V = rho U + r W with U and W independent.

    Examples
    --------
    >>> len(joint(power(1), power(2)))
    3
    """
    return [(first * a, b) for a, b in _split(second)]


def _plan(f: Factor, g: Factor, k: Covariance, radius: Fraction, whitened: bool | None) -> _Plan:
    """Choose coordinates, strips, steps and numbers of nodes, and bound what they neglect by `radius`."""
    digits = digits_for(radius)
    axes = {w: _axes(f, g, k, digits, w) for w in (False, True) if whitened in (None, w)}
    whitened = min(axes, key=lambda w: _cost(w, *axes[w], digits))
    first, second = axes[whitened]
    spread = arb(1) if whitened else k.complement() * k.complement()
    error = first.error(_mass(f, g, first.widths), spread) + second.error(_mass(f, g, second.widths), spread)
    error += _corner(first, second, _mass(f, g, _halfway(first.widths, second.widths)), spread)
    pairs = joint(f.bound(_REAL), g.bound(_REAL))
    h1, h2 = fraction_ball(first.step), fraction_ball(second.step)
    if whitened:
        rows = total(a * grid_total(b, h2) for a, b in pairs)
        columns = total(b * grid_total(a, h1) for a, b in pairs)
    else:  # V = rho U + r W, or the other way round; the node's W lies on a lattice of step h / r
        r = k.complement()
        rows = total(a * grid_total(b, h2 / r) for a, b in pairs)
        columns = total(a * grid_total(b, h1 / r) for a, b in joint(g.bound(_REAL), f.bound(_REAL)))
    tolerance = fraction_ball(radius) / 4
    (n, left), (m, right) = (
        count_nodes(rows, first.step, digits, tolerance),
        count_nodes(columns, second.step, digits, tolerance),
    )
    size = float(sum((moment(a) * moment(b) for a, b in pairs), arb(0)))
    return _Plan(whitened, (first.step, second.step), (n, m), (error + left + right).upper(), size)


def _mass(f: Factor, g: Factor, widths: tuple[Fraction, Fraction]) -> Ball:
    """Return a bound of E[|f(U + i.)| |g(V + i.)|] on the strips, without the cost of shifting the density."""
    pairs = joint(f.bound(widths[0]), g.bound(widths[1]))
    return sum((moment(a) * moment(b) for a, b in pairs), arb(0)).upper()


def _halfway(first: tuple[Fraction, Fraction], second: tuple[Fraction, Fraction]) -> tuple[Fraction, Fraction]:
    """Return how far the arguments move when either coordinate moves by half its strip."""
    return (first[0] + second[0]) / 2, (first[1] + second[1]) / 2


def _corner(first: _Axis, second: _Axis, mass: Ball, spread: Ball) -> Ball:
    """Return the error of the terms in which both contours move by half; the density costs at most exp(.../8 r^2)."""
    d1, d2 = arb(first.half_width), arb(second.half_width)
    cost = ((d1 + d2) * (d1 + d2) / (8 * spread)).exp()
    return 4 * mass * cost / _decays(d1, first.step) / _decays(d2, second.step)


def _decays(half_width: Ball, step: Fraction) -> Ball:
    return (arb.pi() * half_width / fraction_ball(step)).expm1()


def _cost(whitened: bool, first: _Axis, second: _Axis, digits: float) -> float:
    """Return the time of the sum, in multiplications of balls."""
    n, m = (2 * math.sqrt(2 * digits) / float(axis.step) for axis in (first, second))
    return n * m * _COST_OF_EVALUATION if whitened else n * m + (n + m) * _COST_OF_EVALUATION


def _axes(f: Factor, g: Factor, k: Covariance, digits: float, whitened: bool) -> tuple[_Axis, _Axis]:
    rho, r = float(k.correlation()), float(k.complement())
    if not whitened:
        first = _axis((f, g), (1.0, 0.0), digits, r * r)
        return first, _axis((f, g), (0.0, 1.0), digits, r * r)
    return _axis((f, g), (1.0, abs(rho)), digits, 1.0), _axis((f, g), (0.0, r), digits, 1.0)


def _axis(pair: tuple[Factor, Factor], moves: tuple[float, float], digits: float, spread: float) -> _Axis:
    """Choose the strip that allows the largest step; how far each function's argument moves with the contour is given.

    The choice may be approximate (masses are multiplied as if U and V were independent): the bound is computed later.
    """
    best = None
    for d, widths in candidates(pair, moves, digits * spread):
        mass = float(moment(pair[0].bound(widths[0])) * moment(pair[1].bound(widths[1])))
        step = (
            2 * math.pi * d / (digits + math.log(16 * mass + 1e-300) + d * d / (2 * spread)) if mass < math.inf else 0.0
        )
        if best is None or step > best[0]:
            best = (step, d, widths)
    if best is None or best[0] == 0.0:
        raise NotCertified(f"no strip of {pair[0].expr} and {pair[1].expr} has a finite bound at these variances")
    return _Axis(best[1], (best[2][0], best[2][1]), grid(best[0]))
