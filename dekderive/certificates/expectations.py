"""Certified Gaussian expectations: an interval of the radius that is asked for, around the exact value.

Where both functions are analytic in a strip the trapezoidal rule is used; functions with kinks and jumps are cut at
their knots.  `mehler_enclosure` is a third way, which shares nothing with closed forms.
"""

from __future__ import annotations

from fractions import Fraction

import sympy as sp

from dekderive.certificates.balls import Ball, as_ball, evaluate, to_enclosure, working_precision
from dekderive.certificates.covariance import Covariance, covariance, variance
from dekderive.certificates.enclosure import Exact
from dekderive.certificates.interval import Enclosure
from dekderive.certificates.legendre_pair import piecewise_pair
from dekderive.certificates.mehler import mean_by_pieces, mehler_enclosure
from dekderive.certificates.pieces import slope
from dekderive.certificates.strip_table import fraction_ball
from dekderive.certificates.strips import strip_width
from dekderive.certificates.trapezoid import Factor, bits_for, line_expectation
from dekderive.certificates.trapezoid_pair import pair_expectation
from dekderive.errors import InvalidInput, NotConverged
from dekderive.symbols import z

__all__ = ["enclose_dual", "enclose_dual_kxy", "enclose_mean", "mehler_enclosure"]

DEFAULT_RADIUS = Fraction(1, 10**15)
_GUARD_BITS = 32


def enclose_mean(f: sp.Expr, kxx: Exact, *, radius: Fraction = DEFAULT_RADIUS) -> Enclosure:
    """Return an enclosure of E[f(U)], U centred normal with variance kxx.

    Parameters
    ----------
    f : sympy.Expr
        A function of ``symbols.z``.
    kxx : exact number
        The variance.
    radius : Fraction
        Half of the width that is asked for.

    Returns
    -------
    Enclosure

    Raises
    ------
    InvalidInput
        If the variance is not an exact number >= 0, or the radius is not positive.
    NotCertified
        If no proved bound covers f.
    NotIntegrable
        If the bound of f has no expectation at this variance.
    NotConverged
        If the radius was not reached.

    References
    ----------
    L. N. Trefethen and J. A. C. Weideman, SIAM Review 56 (2014), theorem 5.1.

    Examples
    --------
    >>> print(enclose_mean(sp.tanh(z) ** 2, 1, radius=Fraction(1, 10**20)))
    0.39429449039784117 ± ...
    """
    f, width = sp.sympify(f), _width(radius)
    return _settled(_line((Factor(f, sp.sqrt(variance(kxx))),), width), width)


def enclose_dual(
    f: sp.Expr, g: sp.Expr, kxx: Exact, kyy: Exact, kxy: Exact, *, radius: Fraction = DEFAULT_RADIUS
) -> Enclosure:
    """Return an enclosure of E[f(U) g(V)] for a centred normal pair with an exact covariance.

    A covariance of rank one (kxx = 0, kxy^2 = kxx kyy) is recognised and becomes an expectation in one variable.

    Parameters
    ----------
    f, g : sympy.Expr
        Functions of ``symbols.z``.
    kxx, kyy, kxy : exact numbers
        Integers, fractions or SymPy numbers without floats.
    radius : Fraction
        Half of the width that is asked for.

    Returns
    -------
    Enclosure

    Raises
    ------
    InvalidInput
        If the covariance is not exact or not positive semidefinite, or the radius is not positive.
    NotCertified, NotIntegrable, NotConverged
        As for `enclose_mean`.

    References
    ----------
    L. N. Trefethen and J. A. C. Weideman, SIAM Review 56 (2014), theorem 5.1, in two variables.

    Examples
    --------
    >>> print(enclose_dual(sp.tanh(z), sp.tanh(z), 1, 2, sp.Rational(3, 5), radius=Fraction(1, 10**25)))
    0.17686202305781577 ± ...e-26
    """
    f, g, width = sp.sympify(f), sp.sympify(g), _width(radius)
    return _settled(_pair(f, g, covariance(kxx, kyy, kxy), width), width)


def enclose_dual_kxy(
    f: sp.Expr, g: sp.Expr, kxx: Exact, kyy: Exact, kxy: Exact, *, radius: Fraction = DEFAULT_RADIUS
) -> Enclosure:
    """Return an enclosure of the derivative of E[f(U) g(V)] in kxy, which is E[f'(U) g'(V)].

    Parameters
    ----------
    f, g, kxx, kyy, kxy, radius
        As for `enclose_dual`; f and g continuous.

    Returns
    -------
    Enclosure

    Raises
    ------
    NotCertified
        If f or g jumps (its derivative has a delta), or no proved bound covers f' or g'.
    InvalidInput, NotIntegrable, NotConverged
        As for `enclose_dual`.

    References
    ----------
    R. Price, A useful theorem for nonlinear devices having Gaussian inputs, IRE Transactions IT-4 (1958).

    Examples
    --------
    >>> print(enclose_dual_kxy(sp.sin(z), sp.sin(z), 1, 1, 0, radius=Fraction(1, 10**20)))
    0.36787944117144232 ± ...
    """
    f, g = sp.sympify(f), sp.sympify(g)
    return enclose_dual(slope(f), slope(g), kxx, kyy, kxy, radius=radius)


def _width(radius: Fraction) -> Fraction:
    try:
        width = Fraction(radius)
    except (TypeError, ValueError):
        width = Fraction(0)
    if width <= 0:
        raise InvalidInput(f"the radius {radius!r} is not a positive number; write Fraction(1, 10**15)")
    return width * Fraction(15, 16)  # the rest is for the rounding of the ends


def _settled(ball: Ball, radius: Fraction) -> Enclosure:
    """Return the ends of a ball without rounding them to fewer digits than it has."""
    mantissa, exponent = abs(ball).upper().man_exp()
    with working_precision(bits_for(radius) + 2 * _GUARD_BITS + max(0, int(mantissa).bit_length() + int(exponent))):
        return to_enclosure(ball)


def _pair(f: sp.Expr, g: sp.Expr, k: Covariance, radius: Fraction) -> Ball:
    s, t = sp.sqrt(k.xx), sp.sqrt(k.yy)
    if k.gap == 0:
        if k.xx == 0 or k.yy == 0:  # one of the two is the constant 0, the other may still vary
            return _line((Factor(f, s), Factor(g, t)), radius)
        return _line((Factor(f, s), Factor(g, sp.sign(k.xy) * t)), radius)
    if _smooth(f) and _smooth(g):
        return pair_expectation(Factor(f, s), Factor(g, t), k, radius)
    return piecewise_pair(Factor(f, s), Factor(g, t), k, radius)


def _smooth(f: sp.Expr) -> bool:
    return strip_width(f) != 0


def _line(factors: tuple[Factor, ...], radius: Fraction) -> Ball:
    """Return E of the product of the factors, constants taken out."""
    fixed = [f for f in factors if f.scale == 0 or not f.expr.has(z)]
    constant = sp.Mul(*(f.expr.subs(z, 0) for f in fixed))
    varying = tuple(f for f in factors if f not in fixed)
    if constant == 0 or not varying:
        with working_precision(bits_for(radius) + _GUARD_BITS):
            return as_ball(evaluate(constant, {}))
    if fixed:
        with working_precision(64):
            size = abs(as_ball(evaluate(constant, {}))).upper()
        radius = radius / (2 * (1 + Fraction(int(size.ceil().unique_fmpz()))))
    value = line_expectation(varying, radius) if all(_smooth(f.expr) for f in varying) else _by_pieces(varying, radius)
    if not fixed:
        return value
    with working_precision(bits_for(radius) + 2 * _GUARD_BITS):
        return value * as_ball(evaluate(constant, {}))


def _by_pieces(factors: tuple[Factor, ...], radius: Fraction) -> Ball:
    """Return E of the product by cutting it at its knots, as one function of the first factor's argument."""
    scale = factors[0].scale
    product = sp.Mul(*(f.expr.subs(z, f.scale / scale * z) for f in factors))
    bits = bits_for(radius) + 4
    for spare in (_GUARD_BITS, 4 * _GUARD_BITS, 16 * _GUARD_BITS):
        with working_precision(bits + spare):
            value = mean_by_pieces(product, as_ball(evaluate(scale, {})), bits)
            if bool(value.rad() <= fraction_ball(radius)):
                return value
    raise NotConverged(f"the radius {float(radius):.3g} was not reached; ask for a larger one")
