r"""Gaussian expectations in one variable by the trapezoidal rule, with a proved error.

If w is analytic in |Im u| < d and :math:`\int |w(u + iy)| du \le M` for all |y| < d, then
:math:`|\int w - h \sum_i w(ih)| \le 2 M / (e^{2 \pi d / h} - 1)` (Trefethen and Weideman, SIAM Review 56 (2014),
theorem 5.1).  Here :math:`w(u) = \varphi(u) \prod_k f_k(s_k u)`.  As :math:`|\varphi(u + iy)| = \varphi(u) e^{y^2/2}`,
a strip bound of each factor (`strips`) turns into :math:`M = e^{d^2/2}` times a Gaussian moment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import sympy as sp
from flint import arb

from dekderive.certificates.balls import Ball, as_ball, evaluate, working_precision
from dekderive.certificates.complex_balls import compile_function
from dekderive.certificates.majorants import Majorant, constant, grid_tail, moment
from dekderive.certificates.strip_table import fraction_ball
from dekderive.certificates.strips import strip_bound, strip_width
from dekderive.errors import NotCertified, NotConverged

__all__ = [
    "BOUND_BITS",
    "Factor",
    "bits_for",
    "candidates",
    "count_nodes",
    "digits_for",
    "grid",
    "line_expectation",
    "need_strip",
    "shift_error",
]

BOUND_BITS = 64  # error bounds need few digits
_REAL = Fraction(0)
_SHARES = tuple(k / 64 for k in (32, 48, 56, 60, 62, 63))
_FREE_SHARES = (0.06, 0.09, 0.13, 0.18, 0.25, 0.35, 0.5, 0.7, 0.95)


@dataclass(frozen=True, slots=True)
class Factor:
    """A function of a standard normal variable u, z = scale u.

    Attributes
    ----------
    expr : sympy.Expr
        In ``symbols.z``.
    scale : sympy.Expr
        An exact real number.
    """

    expr: sp.Expr
    scale: sp.Expr

    def bound(self, half_width: Fraction) -> Majorant:
        """Return the majorant, as a function of u, on a strip of this half width in z."""
        return _rescaled(self, half_width)

    def ball(self) -> Ball:
        """Return the scale at the working precision."""
        return as_ball(evaluate(self.scale, {}))


@lru_cache(maxsize=4096)
def _rescaled(factor: Factor, half_width: Fraction) -> Majorant:
    with working_precision(BOUND_BITS):
        return strip_bound(factor.expr, half_width).rescaled(abs(factor.ball()))


@dataclass(frozen=True, slots=True)
class _Plan:
    step: Fraction
    count: int
    error: Ball
    size: float


def need_strip(expr: sp.Expr) -> Fraction | None:
    """Return the strip's width, or say what to do if there is none.

    Raises
    ------
    NotCertified
        If the function is not analytic in a strip that is known here.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> float(need_strip(sp.atan(z)))
    1.0
    """
    width = strip_width(expr)
    if width == 0:
        raise NotCertified(
            f"{expr} is not known to be analytic in a strip around the real line, which the trapezoidal rule needs; "
            "for kinks and jumps use a method that cuts at the knots"
        )
    return width


def candidates(
    factors: Sequence[Factor], moves: Sequence[float], digits: float
) -> Iterator[tuple[float, tuple[Fraction, ...]]]:
    """Yield half widths d in u, with those in the argument of each factor, from which the best is chosen.

    When u moves by i d, the argument of a factor moves by i d scale `moves`.  Where no singularity limits the strip,
    the Gaussian factor exp(d^2/2) does, and what the function itself grows like: d at most sqrt(2 digits) then.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> [round(d, 2) for d, _ in candidates([Factor(sp.tanh(z), sp.Integer(2))], [1.0], 35.0)][0]
    0.39
    """
    scales = [abs(float(f.scale)) * move for f, move in zip(factors, moves, strict=True)]
    widths = [strip_width(f.expr) for f in factors]
    limited = [float(w) / s for w, s in zip(widths, scales, strict=True) if w is not None and s > 0]
    limit, free = min(limited, default=math.inf), math.sqrt(2 * digits)
    choices = [share * limit for share in _SHARES if share * limit < free]
    for d in choices + [share * free for share in _FREE_SHARES if share * free < 0.98 * limit]:
        yield d, tuple(_inside(d * s * (1 + 1e-9), w) for s, w in zip(scales, widths, strict=True))


def _inside(wanted: float, width: Fraction | None) -> Fraction:
    """Return a short fraction at least `wanted`, and below `width`, so that bounds are found again in the cache."""
    d = Fraction(math.ceil(wanted * 64), 64)
    return d if width is None or d < width else Fraction(wanted)


def shift_error(mass: Ball, half_width: Ball, step: Fraction) -> Ball:
    """Return 2 M / (exp(2 pi d / h) - 1).

    Examples
    --------
    >>> float(shift_error(arb(1), arb(1), Fraction(1, 4))) < 3e-11
    True
    """
    return (2 * mass / (2 * arb.pi() * half_width / fraction_ball(step)).expm1()).upper()


def grid(step: float) -> Fraction:
    """Return a step of at most this size with twelve significant bits, so that nodes are exact.

    Examples
    --------
    >>> grid(0.3)
    Fraction(2457, 8192)
    """
    mantissa, exponent = math.frexp(step)
    return Fraction(math.floor(mantissa * 4096), 4096) * Fraction(2) ** exponent


def count_nodes(growth: Majorant, step: Fraction, digits: float, tolerance: Ball) -> tuple[int, Ball]:
    """Return n for which the nodes beyond n on either side weigh less than the tolerance, and their weight.

    Examples
    --------
    >>> count_nodes(constant(1), Fraction(1, 2), 30.0, arb(10) ** -13)[0]
    16
    """
    size = math.log(max(1.0, float(moment(growth))))
    count = max(2, math.ceil(math.sqrt(2 * (digits + size)) / step))
    while count < 2**24:
        try:
            tail = grid_tail(growth, fraction_ball(step), count)
        except NotCertified:  # not yet beyond the peak of the terms
            tail = arb.pos_inf()
        if bool(tail < tolerance):
            return count, tail
        count += 1 + count // 32
    raise NotConverged("the tails of the activation are too heavy for this radius; ask for a larger one")


def line_expectation(factors: tuple[Factor, ...], radius: Fraction) -> Ball:
    r"""Return a ball around :math:`E \prod_k f_k(s_k X)`, X standard normal, of at most this radius.

    Parameters
    ----------
    factors : tuple of Factor
    radius : Fraction

    Returns
    -------
    Ball

    Raises
    ------
    NotCertified
        If a factor has no strip bound.
    NotIntegrable
        If the bound has no Gaussian expectation.
    NotConverged
        If the radius was not reached.

    References
    ----------
    L. N. Trefethen and J. A. C. Weideman, The exponentially convergent trapezoidal rule, SIAM Review 56 (2014), 5.1.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> value = line_expectation((Factor(sp.cos(z), sp.Integer(1)),), Fraction(1, 10**25))
    >>> value.overlaps((-arb(1) / 2).exp())
    True
    """
    for f in factors:
        need_strip(f.expr)
    wanted = radius
    for _ in range(8):
        plan = _plan(factors, wanted / 2)
        bits = 24 + bits_for(radius) + math.ceil(math.log2(1 + plan.size)) + plan.count.bit_length()
        with working_precision(bits):
            value = _sum(factors, plan) + arb(0, plan.error)
            if bool(value.rad() <= fraction_ball(radius)):
                return value
        wanted /= 16
    raise NotConverged(f"the radius {float(radius):.3g} was not reached; ask for a larger one")


def digits_for(radius: Fraction) -> float:
    """Return -log(radius), also where a float would be 0; at least 1, so that a wide radius plans for something.

    Examples
    --------
    >>> digits_for(Fraction(1, 10**400))
    921.03...
    """
    return max(1.0, math.log(radius.denominator) - math.log(radius.numerator))


def bits_for(radius: Fraction) -> int:
    """Return the number of binary digits after the point that the radius asks for.

    Examples
    --------
    >>> bits_for(Fraction(1, 1000))
    10
    """
    return max(0, radius.denominator.bit_length() - radius.numerator.bit_length() + 1)


def _sum(factors: tuple[Factor, ...], plan: _Plan) -> Ball:
    functions = [(compile_function(f.expr, "real"), f.ball() * fraction_ball(plan.step)) for f in factors]
    exponent, total = -fraction_ball(plan.step**2) / 2, arb(0)
    for i in range(-plan.count, plan.count + 1):
        term = (exponent * (i * i)).exp()
        for function, step in functions:
            term *= function(step * i)
        total += term
    return total * fraction_ball(plan.step) * (2 * arb.pi()).rsqrt()


@lru_cache(maxsize=1024)
def _plan(factors: tuple[Factor, ...], radius: Fraction) -> _Plan:
    """Choose strip, step and number of nodes, and bound what they neglect by `radius`."""
    digits = digits_for(radius)
    with working_precision(BOUND_BITS):
        best = (0.0, 0.0, arb(1))
        for d, widths in candidates(factors, [1.0] * len(factors), digits):
            mass = moment(_product(factors, widths)) * (arb(d) * arb(d) / 2).exp()
            size = digits + math.log(8 * float(mass) + 1e-300) if mass.is_finite() else math.inf
            best = max(best, (2 * math.pi * d / size, d, mass), key=lambda found: found[0])
        step = grid(best[0])
        growth = _product(factors, (_REAL,) * len(factors))
        count, tail = count_nodes(growth, step, digits, fraction_ball(radius) / 2)
        error = (shift_error(best[2], arb(best[1]), step) + tail).upper()
        return _Plan(step, count, error, float(moment(growth)))


def _product(factors: tuple[Factor, ...], widths: Sequence[Fraction]) -> Majorant:
    result = constant(1)
    for f, d in zip(factors, widths, strict=True):
        result = result * f.bound(d)
    return result
