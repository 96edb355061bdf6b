r"""Proved bounds of functions on strips :math:`|\operatorname{Im} z| \le d`, one short proof each.

Throughout :math:`z = x + i y`, :math:`|y| \le d`.  Where F' is bounded by B on the strip, F itself is bounded by
:math:`|F(x)| + d B`, since :math:`F(x + iy) = F(x) + i \int_0^y F'(x + it)\,dt`; "integral" below means this step.
Every entry is tested against ball arithmetic on rectangles that cover a part of its strip.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import sympy as sp
from flint import acb, arb, fmpq

from dekderive import atoms
from dekderive.certificates.balls import Ball
from dekderive.certificates.complex_balls import compile_function
from dekderive.certificates.majorants import Majorant, constant, exponential, power
from dekderive.errors import NotCertified
from dekderive.symbols import z

__all__ = ["TABLE", "TANH_SOFTPLUS", "Strip", "cover", "fraction_ball"]

HALF_PI = Fraction(math.pi) / 2  # math.pi is below pi
PI = Fraction(math.pi)


@dataclass(frozen=True, slots=True)
class Strip:
    """Where a function is analytic around the real line, and how large it is there.

    Attributes
    ----------
    width : Fraction or None
        It is analytic for |Im z| < width; None without limit, 0 where it is only bounded on the real line.
    bound : callable
        From d < width (or d = 0) to a majorant of |f(x + iy)| over |y| <= d, as a function of x.
    """

    width: Fraction | None
    bound: Callable[[Fraction], Majorant]


def fraction_ball(value: Fraction) -> Ball:
    """Return a fraction as a ball.

    Examples
    --------
    >>> float(fraction_ball(Fraction(1, 2)))
    0.5
    """
    return arb(fmpq(value.numerator, value.denominator))


def _tanh(d: Fraction) -> Majorant:
    """|tanh z|^2 = (cosh 2x - cos 2y) / (cosh 2x + cos 2y): <= 1 if cos 2y >= 0, else largest at x = 0: tan^2 y."""
    return constant(arb.max(arb(1), fraction_ball(d).tan()))


def _expit(d: Fraction) -> Majorant:
    """|1 + e^{-z}|^2 = 1 + 2 t cos y + t^2, t = e^{-x} > 0: at least 1 if cos y >= 0, else at least sin^2 y."""
    return constant(1 if d <= HALF_PI else 1 / fraction_ball(d).sin())


def _softplus(d: Fraction) -> Majorant:
    """0 <= softplus(x) <= log 2 + |x|, and the integral of expit."""
    return constant(arb(2).log() + fraction_ball(d) * _expit(d).supremum()) + power(1)


def _log_softplus_slope(d: Fraction) -> Majorant:
    """expit/softplus = (1 - e^{-s})/s = int_0^1 e^{-st} dt with s = log(1 + e^z).

    So its size is at most max(1, e^{-Re s}) = max(1, 1/|1 + e^z|), which is bounded as in `_expit`.  softplus has no
    zero in |y| < pi: s = 0 would mean e^z = 0.
    """
    return _expit(d)


def _log_softplus(d: Fraction) -> Majorant:
    """|log softplus(x)| <= log 2 + |x|, and the integral of expit/softplus.

    (For x < 0 between x - log 2 and 0, as log(1 + w) >= w/2 for 0 < w <= 1; else at most log(log 2 + x) in size.)
    """
    return constant(arb(2).log() + fraction_ball(d) * _log_softplus_slope(d).supremum()) + power(1)


def _log_cosh(d: Fraction) -> Majorant:
    """0 <= log cosh x <= |x|, and the integral of tanh."""
    return constant(fraction_ball(d) * _tanh(d).supremum()) + power(1)


def _sech(d: Fraction) -> Majorant:
    """|cosh z|^2 = sinh^2 x + cos^2 y >= cos^2 d."""
    return constant(1 / fraction_ball(d).cos())


def _atan(d: Fraction) -> Majorant:
    """|1 + z^2| = |z - i||z + i| >= (1 - |y|)(1 + |y|) >= 1 - d^2, and the integral of 1/(1 + z^2)."""
    return constant(arb.pi() / 2 + fraction_ball(d / (1 - d * d)))


def _asinh(d: Fraction) -> Majorant:
    """|asinh x| <= |x|, and the integral of (1 + z^2)^{-1/2}, with |1 + z^2| >= 1 - d^2 as for atan."""
    return constant(fraction_ball(d) / fraction_ball(1 - d * d).sqrt()) + power(1)


def _trigonometric(d: Fraction) -> Majorant:
    """|sin z|, |cos z| <= (e^y + e^{-y})/2."""
    return constant(fraction_ball(d).cosh())


def _hyperbolic(d: Fraction) -> Majorant:
    """|sinh z|, |cosh z| <= (e^x + e^{-x})/2 <= e^{|x|}."""
    return exponential(Fraction(1))


def _ndtr(d: Fraction) -> Majorant:
    """0 <= Phi(x) <= 1, and the integral of phi: |phi(x + iy)| = phi(x) e^{y^2/2} <= e^{d^2/2} / sqrt(2 pi)."""
    y = fraction_ball(d)
    return constant(1 + y * (y * y / 2).exp() / (2 * arb.pi()).sqrt())


def _erf(d: Fraction) -> Majorant:
    """|erf x| <= 1 (erfc: 2), and the integral of 2 e^{-z^2} / sqrt(pi)."""
    y = fraction_ball(d)
    return constant(2 + 2 * y * (y * y).exp() / arb.pi().sqrt())


def _erfi(d: Fraction) -> Majorant:
    """On the ray t z, 0 <= t <= 1: Re (tz)^2 = t^2 (x^2 - y^2) <= x^2, so |erfi z| <= 2 |z| e^{x^2} / sqrt(pi)."""
    return (power(1) + constant(fraction_ball(d))) * exponential(Fraction(0), Fraction(1)) * (2 / arb.pi().sqrt())


def _dawson(d: Fraction) -> Majorant:
    """D(z) = 1/2 int_0^oo e^{-t^2/4} sin(zt) dt; |sin(zt)| <= cosh(dt), and the integral is sqrt(pi) e^{d^2}."""
    return constant(fraction_ball(d * d).exp() * arb.pi().sqrt() / 2)


def _langevin_slope(d: Fraction) -> Majorant:
    """L'(z) = -sum_{k != 0} (z - i pi k)^{-2} and |z - i pi k| >= |pi k - y|.

    So |L'| <= sum_{k != 0} (pi k - y)^{-2} = 1/sin^2 y - 1/y^2, which rises with |y| and is 1/3 at 0.
    """
    y = fraction_ball(d)
    return constant(arb(1) / 3 if d == 0 else y.csc() ** 2 - 1 / (y * y))


def _langevin(d: Fraction) -> Majorant:
    """|L(x)| <= 1, and the integral of L'."""
    return constant(1 + fraction_ball(d) * _langevin_slope(d).supremum())


def _log_sinhc(d: Fraction) -> Majorant:
    """0 <= log(sinh x / x) <= |x|, and the integral of L."""
    return constant(fraction_ball(d) * _langevin(d).supremum()) + power(1)


def _tanh_softplus(d: Fraction) -> Majorant:
    """With w = e^z, tanh(softplus z) = 1 - 2/((1 + w)^2 + 1) = 1 - 2/((w - a)(w - a*)), a = sqrt(2) e^{3 pi i/4}.

    In the sector |arg w| <= d < 3 pi/4 both factors are at least s = sqrt(2) sin(min(3 pi/4 - d, pi/2)), and one of
    them is at least 1 since |a - a*| = 2: the product is at least s.
    """
    gap = arb.min(3 * arb.pi() / 4 - fraction_ball(d), arb.pi() / 2)
    return constant(1 + arb(2).sqrt() / gap.sin())


def _tilted_uniform_mean(d: Fraction) -> Majorant:
    """It is 1/2 + L(z/2)/2: at most 1 on the line, and the integral of L'(z/2)/4."""
    return constant(1 + fraction_ball(d) * _langevin_slope(d / 2).supremum() / 4)


def _log_exprel(d: Fraction) -> Majorant:
    """|A(x)| <= |x|, since 0 < A' < 1 and A(0) = 0; and the integral of A'."""
    return constant(fraction_ball(d) * _tilted_uniform_mean(d).supremum()) + power(1)


def _bessel_ratio_slope(d: Fraction) -> Majorant:
    """With j the zeros of J0, I1/I0 = sum 2z/(z^2 + j^2), so its slope is -sum (z - ij)^{-2} + (z + ij)^{-2}.

    Its size is at most sum (j - y)^{-2} + (j + y)^{-2} = r'(y) for r = J1/J0, which is 1 - r/y + r^2 and rises with y.
    """
    y = fraction_ball(d)
    ratio = y.bessel_j(1) / y.bessel_j(0)
    return constant(arb(1) / 2 if d == 0 else 1 - ratio / y + ratio * ratio)


def _bessel_ratio(d: Fraction) -> Majorant:
    """|I1/I0| <= 1 on the line, and the integral of its slope."""
    return constant(1 + fraction_ball(d) * _bessel_ratio_slope(d).supremum())


def _log_i0(d: Fraction) -> Majorant:
    """0 <= log I0(x) <= |x|, and the integral of I1/I0."""
    return constant(fraction_ball(d) * _bessel_ratio(d).supremum()) + power(1)


# ---- phi/Phi and its relatives ------------------------------------------------------------------------------------
# With w = -z, Phi(z)/phi(z) = r(w) = int_0^oo e^{-wt - t^2/2} dt.
# Left, Re w = xi >= 3: Laplace's continued fraction 1/r(w) = w + T(w), T = 1/(w + 2/(w + 3/...)), whose every tail lies
#   in the right half-plane, gives |T| <= 1/xi.  Here phi/Phi = w + T and the truncated normal mean z + phi/Phi = T.
# Right, x >= 3: |1 - Phi(z)| = |phi(z) r(z)| <= e = phi(x) e^{d^2/2} / x, so |phi/Phi| <= x e / (1 - e) (falls with x).
# Middle: a cover of the rectangle by balls, which also proves that Phi has no zero there (the first is at 1.9 + 2.8 i).


def _right(d: Fraction) -> Ball:
    """Return a bound of |phi/Phi| at and beyond x = 3; times x it falls as well."""
    edge = arb(-9 / 2).exp() / (2 * arb.pi()).sqrt() * fraction_ball(d * d / 2).exp()
    return edge / (1 - edge / 3)


def _inverse_mills(d: Fraction) -> Majorant:
    return _largest(_middle(atoms.inverse_mills, d), _right(d), fraction_ball(d) + arb(1) / 3) + power(1)


def _truncated_normal_mean(d: Fraction) -> Majorant:
    return _largest(_middle(atoms.truncated_normal_mean, d), arb(1) / 3, _right(d) + fraction_ball(d)) + power(1)


def _truncated_normal_variance(d: Fraction) -> Majorant:
    """1 - m (z + m), m = phi/Phi: left |w + T||T| <= (xi + d + 1/3)/xi; right |m|(|m| + x + d), x |m| being falling."""
    left = 1 + 1 + (fraction_ball(d) + arb(1) / 3) / 3
    right = 1 + _right(d) * (_right(d) + 3 + fraction_ball(d))
    return _largest(_middle(atoms.truncated_normal_variance, d), left, right)


def _log_ndtr(d: Fraction) -> Majorant:
    """-log Phi(x) <= log 2 for x >= 0; Phi(-t) >= phi(t)/(1 + t), so at most t^2/2 + log sqrt(2 pi) + t; integral."""
    half = power(2) * (arb(1) / 2)
    return half + power(1) + constant((2 * arb.pi()).log() / 2) + _inverse_mills(d) * fraction_ball(d)


def _truncated_normal_log_partition(d: Fraction) -> Majorant:
    """|A(x)| <= log 2 + |x| + x^2/2, since A(0) = -log 2 and 0 < A' < 1 + max(x, 0); and the integral of A'."""
    line = constant(arb(2).log()) + power(1) + power(2) * (arb(1) / 2)
    return line + _truncated_normal_mean(d) * fraction_ball(d)


def _largest(*bounds: Ball) -> Majorant:
    largest = bounds[0]
    for bound in bounds[1:]:
        largest = arb.max(largest, bound)
    return constant(largest)


@lru_cache(maxsize=64)
def _middle(function: type[sp.Function], d: Fraction) -> Ball:
    """Return a bound on |x| <= 3, |y| <= d (rounded up to a multiple of 1/2), by squares that are split if need be."""
    height = Fraction(math.ceil(2 * d), 2)
    return cover(function(z), Fraction(3), height)


def cover(expr: sp.Expr, reach: Fraction, height: Fraction) -> Ball:
    """Return a bound of |f| on the rectangle |x| <= reach, |y| <= height, for an f that is real on the real line.

    Examples
    --------
    >>> 1.54 < float(cover(sp.cos(z), Fraction(1), Fraction(1))) < 1.9
    True
    """
    evaluate, side = compile_function(expr, "analytic"), Fraction(1, 4)
    columns, rows = math.ceil(2 * reach / side), max(1, math.ceil(height / side))
    todo = [(-reach + side * i, side * j, side) for i in range(columns) for j in range(rows)]
    largest = arb(0)
    while todo:
        x, y, size = todo.pop()
        ball = acb(_interval(x, size), _interval(y, size))
        value = evaluate(ball)
        if value.is_finite() and bool(value.abs_upper() < 1000):
            largest = arb.max(largest, value.abs_upper())
        elif size < Fraction(1, 512):
            raise NotCertified(f"{expr} is not bounded on a strip of half width {float(height):.3g}; take a narrower")
        else:
            half = size / 2
            todo += [(x + a, y + b, half) for a in (0, half) for b in (0, half)]
    return largest.upper()


def _interval(start: Fraction, size: Fraction) -> Ball:
    return fraction_ball(start).union(fraction_ball(start + size))


TANH_SOFTPLUS = Strip(PI * 3 / 4, _tanh_softplus)  # a composition whose own strip is wider than the general rule's

TABLE: Mapping[type[sp.Function], Strip] = {
    sp.tanh: Strip(HALF_PI, _tanh),
    atoms.expit: Strip(PI, _expit),
    atoms.softplus: Strip(PI, _softplus),
    atoms.log_softplus: Strip(PI, _log_softplus),
    atoms.log_softplus_slope: Strip(PI, _log_softplus_slope),
    atoms.log_cosh: Strip(HALF_PI, _log_cosh),
    sp.sech: Strip(HALF_PI, _sech),
    sp.atan: Strip(Fraction(1), _atan),
    sp.asinh: Strip(Fraction(1), _asinh),
    sp.sin: Strip(None, _trigonometric),
    sp.cos: Strip(None, _trigonometric),
    sp.sinh: Strip(None, _hyperbolic),
    sp.cosh: Strip(None, _hyperbolic),
    sp.erf: Strip(None, _erf),
    sp.erfc: Strip(None, _erf),
    sp.erfi: Strip(None, _erfi),
    atoms.dawson: Strip(None, _dawson),
    atoms.ndtr: Strip(None, _ndtr),
    atoms.log_ndtr: Strip(Fraction(5, 2), _log_ndtr),
    atoms.inverse_mills: Strip(Fraction(5, 2), _inverse_mills),
    atoms.truncated_normal_mean: Strip(Fraction(5, 2), _truncated_normal_mean),
    atoms.truncated_normal_variance: Strip(Fraction(5, 2), _truncated_normal_variance),
    atoms.truncated_normal_log_partition: Strip(Fraction(5, 2), _truncated_normal_log_partition),
    atoms.langevin: Strip(PI, _langevin),
    atoms.langevin_slope: Strip(PI, _langevin_slope),
    atoms.log_sinhc: Strip(PI, _log_sinhc),
    atoms.tilted_uniform_mean: Strip(2 * PI, _tilted_uniform_mean),
    atoms.log_exprel: Strip(2 * PI, _log_exprel),
    atoms.bessel_ratio: Strip(Fraction(12, 5), _bessel_ratio),
    atoms.bessel_ratio_slope: Strip(Fraction(12, 5), _bessel_ratio_slope),
    atoms.log_i0: Strip(Fraction(12, 5), _log_i0),
    # On the real line alone: bounds for the tails of functions with kinks and jumps.
    atoms.relu: Strip(Fraction(0), lambda d: power(1)),
    atoms.step: Strip(Fraction(0), lambda d: constant(1)),
    sp.Abs: Strip(Fraction(0), lambda d: power(1)),
    sp.sign: Strip(Fraction(0), lambda d: constant(1)),
    sp.Heaviside: Strip(Fraction(0), lambda d: constant(1)),
}
