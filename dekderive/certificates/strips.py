r"""Strip bounds of formulas, composed from the table of functions by rules.

A sum, a product, a multiple, a shift and a scaling of the argument of bounded functions are bounded; a function of an
inner one is bounded where the inner one maps the strip into the outer one's strip.  A formula for which no rule is
known has no bound here, and everything that would need one raises `NotCertified`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from dekderive import atoms
from dekderive.certificates.balls import Ball, as_ball, evaluate, working_precision
from dekderive.certificates.majorants import Majorant, constant, exponential, power
from dekderive.certificates.strip_table import TABLE, TANH_SOFTPLUS, Strip, fraction_ball
from dekderive.errors import DekderiveError, NotCertified
from dekderive.symbols import z

__all__ = ["strip_bound", "strip_width"]

_BITS = 64
_REAL = Fraction(0)


@lru_cache(maxsize=4096)
def strip_bound(expr: sp.Expr, half_width: Fraction) -> Majorant:
    r"""Return a proved upper bound of :math:`|f(x + iy)|` over :math:`|y| \le d`, as a function of x.

    Parameters
    ----------
    expr : sympy.Expr
        f, in ``symbols.z``.
    half_width : Fraction
        d; 0 for a bound on the real line.

    Returns
    -------
    Majorant
        A sum of c |x|^p exp(l |x| + q x^2).

    Raises
    ------
    NotCertified
        If no rule covers f, or d is not smaller than `strip_width`.

    Examples
    --------
    >>> from dekderive.atoms import softplus
    >>> bound = strip_bound(z * sp.tanh(z / 2), Fraction(2))
    >>> sorted(p for p, _, _ in bound.terms)
    [0, 1]
    """
    strip = _resolve(expr)
    if half_width and strip.width is not None and half_width >= strip.width:
        raise NotCertified(
            f"{expr} has no strip bound of half width {float(half_width):.6g}: the bound is proved below "
            f"{float(strip.width):.6g}"
        )
    with working_precision(_BITS):
        return strip.bound(half_width)


def strip_width(expr: sp.Expr) -> Fraction | None:
    """Return the half width below which `strip_bound` has a proof; 0 if only on the real line, None without limit.

    Raises
    ------
    NotCertified
        If no rule covers the formula.

    Examples
    --------
    >>> float(strip_width(sp.tanh(3 * z) + sp.exp(z)))
    0.523598...
    """
    return _resolve(expr).width


@lru_cache(maxsize=4096)
def _resolve(e: sp.Expr) -> Strip:
    with working_precision(_BITS):
        return _rule(e)


def _rule(e: sp.Expr) -> Strip:
    if not e.free_symbols:
        size = abs(as_ball(evaluate(e, {})))
        return Strip(None, lambda d: constant(size))
    if e == z:
        return Strip(None, lambda d: power(1) + constant(fraction_ball(d)))
    if isinstance(e, sp.Add):
        return _sum(_resolve(a) for a in e.args)
    if isinstance(e, sp.Mul):
        return _product(e)
    if isinstance(e, sp.exp):
        return _exponential(e.args[0])
    if isinstance(e, sp.Pow):
        return _power(e.base, e.exp)
    if isinstance(e, sp.log):
        return _logarithm(e)
    if isinstance(e, (sp.Max, sp.Min)):
        return _on_the_line(_sum(_resolve(a) for a in e.args))
    if isinstance(e, sp.Piecewise):
        return _on_the_line(_sum(_resolve(branch) for branch, _ in e.args))
    if e.func in TABLE:
        return _composed(TABLE[e.func], e)
    if isinstance(e, atoms.Atom):
        return _resolve(e.definition)
    raise _unknown(e)


def _unknown(e: sp.Expr) -> NotCertified:
    return NotCertified(
        f"no proved bound is known for {e}; write it with the functions of dekderive.certificates.strip_table, or add "
        "its bound, with a proof, there"
    )


def _on_the_line(strip: Strip) -> Strip:
    return Strip(_REAL, strip.bound)


def _narrower(first: Fraction | None, second: Fraction | None) -> Fraction | None:
    return second if first is None else first if second is None else min(first, second)


def _sum(parts: Iterable[Strip]) -> Strip:
    first, *rest = parts
    for part in rest:
        first = _added(first, part)
    return first


def _added(first: Strip, second: Strip) -> Strip:
    return Strip(_narrower(first.width, second.width), lambda d: first.bound(d) + second.bound(d))


def _times(first: Strip, second: Strip) -> Strip:
    return Strip(_narrower(first.width, second.width), lambda d: first.bound(d) * second.bound(d))


def _product(e: sp.Expr) -> Strip:
    quotients, factors = _softplus_quotients(sp.Mul.make_args(e))
    strips = [_repeated(_affine(TABLE[atoms.log_softplus_slope], g), math.ceil(k)) for g, k in quotients]
    strips += [_resolve(f) for f in factors]
    result = Strip(None, lambda d: constant(1))
    for strip in strips:
        result = _times(result, strip)
    return result


def _softplus_quotients(factors: Iterable[sp.Expr]) -> tuple[list[tuple[sp.Expr, sp.Expr]], list[sp.Expr]]:
    """Take powers of expit(g)/softplus(g) out of a product: the quotient is bounded, 1/softplus alone is not.

    The quotient's bound is at least 1, so that a root of it is below the next whole power.
    """
    powers: dict[sp.Expr, sp.Expr] = {}
    rest: list[sp.Expr] = []
    for factor in factors:
        base, exponent = (factor.base, factor.exp) if isinstance(factor, sp.Pow) else (factor, sp.S.One)
        if isinstance(base, (atoms.softplus, atoms.expit)):
            powers[base] = powers.get(base, sp.S.Zero) + exponent
        else:
            rest.append(factor)
    quotients: list[tuple[sp.Expr, sp.Expr]] = []
    for base in [b for b in powers if isinstance(b, atoms.softplus) and powers[b].is_Rational and powers[b] < 0]:
        partner = atoms.expit(base.args[0])
        if powers.get(partner, sp.S.Zero).is_Rational and powers.get(partner, sp.S.Zero) > 0:
            shared = min(-powers[base], powers[partner])
            powers[base], powers[partner] = powers[base] + shared, powers[partner] - shared
            quotients.append((base.args[0], shared))
    return quotients, rest + [base**k for base, k in powers.items() if k != 0]


def _composed(outer: Strip, e: sp.Expr) -> Strip:
    inner = e.args[0]
    if isinstance(e, sp.tanh) and isinstance(inner, atoms.softplus) and _slope_and_shift(inner.args[0]):
        return _affine(TANH_SOFTPLUS, inner.args[0])
    return _affine(outer, inner) if _slope_and_shift(inner) else _nested(outer, inner)


def _slope_and_shift(e: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    slope = e.diff(z) if e.is_polynomial(z) else z
    return None if slope.has(z) else (slope, sp.expand(e - slope * z))


def _affine(outer: Strip, inner: sp.Expr) -> Strip:
    """Return the bound of F(s z + t): the strip of F seen through the scaling, and |s x + t| <= |s| |x| + |t|."""
    found = _slope_and_shift(inner)
    if found is None:
        return _nested(outer, inner)
    slope, shift = (_upper(abs(c)) for c in found)
    width = None if outer.width is None else outer.width / slope
    return Strip(width, lambda d: outer.bound(slope * d).of_affine(slope, shift))


def _upper(number: sp.Expr) -> Fraction:
    """Return an upper bound of a number as a fraction: itself if it is rational."""
    if number.is_Rational:
        return Fraction(int(number.p), int(number.q))
    mantissa, exponent = as_ball(evaluate(number, {})).upper().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _nested(outer: Strip, inner: sp.Expr) -> Strip:
    """Return the bound of F(g): |Im g(x + iy)| <= d sup |g'|, since g is real on the line, and |Re g| <= |g|."""
    g = _resolve(inner)

    def bound(d: Fraction) -> Majorant:
        image = d * _steepest(inner, d) if d else d
        if outer.width is not None and image > outer.width:
            raise NotCertified(f"{inner} maps the strip of half width {float(d):.3g} too far off the real line")
        raised = outer.bound(image)
        return raised if raised.is_bounded else raised.of(g.bound(d))

    return Strip(_nested_width(outer, g, inner), bound)


@lru_cache(maxsize=1024)
def _steepest(inner: sp.Expr, d: Fraction) -> Fraction:
    slope = strip_bound(inner.diff(z), d)
    if not slope.is_bounded:
        raise NotCertified(f"the slope of {inner} is not bounded on a strip, so a function of it has no bound there")
    mantissa, exponent = slope.supremum().upper().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _nested_width(outer: Strip, g: Strip, inner: sp.Expr) -> Fraction:
    """Return the widest d among sixteen for which the inner function maps the strip into the outer one's."""
    widest = g.width if g.width is not None else Fraction(4)
    for k in range(15, 0, -1):
        d = widest * k / 16
        try:
            image = d * _steepest(inner, d)
        except DekderiveError:
            continue
        if outer.width is None or image < outer.width:
            return d
    return _REAL


def _exponential(g: sp.Expr) -> Strip:
    """Return the bound of e^g: e to an upper bound of Re g.

    For a polynomial a z^2 + b z + c the real part is a (x^2 - y^2) + b x + c.  Another summand h of g counts with |h|
    if that is bounded by a polynomial of degree 2, and on the real line with 0 if it is never positive.
    """
    polynomial, others, on_line = sp.S.Zero, [], False
    for h in sp.Add.make_args(sp.expand(g)):
        if h.is_polynomial(z):
            polynomial += h
        elif h.is_nonpositive:
            on_line = True
        else:
            others.append(_resolve(h))
    if sp.degree(polynomial, z) > 2:
        raise _unknown(sp.exp(g))
    a, b, c = (polynomial.coeff(z, k) for k in (2, 1, 0))
    rate, curve, lowered, level = _upper(abs(b)), _upper(a), _upper(abs(a)) if a.is_negative else _REAL, _upper(c)

    def bound(d: Fraction) -> Majorant:
        size = exponential(rate, curve) * fraction_ball(level + lowered * d * d).exp()
        for h in others:
            size = size * _exponentiated(h.bound(d))
        return size

    width = None
    for h in others:
        width = _narrower(width, h.width)
    return Strip(_REAL if on_line else width, bound)


def _exponentiated(exponent: Majorant) -> Majorant:
    coefficients = {p: _ball_upper(c) for (p, _, _), c in exponent.terms.items()}
    if not exponent.is_polynomial or max(coefficients) > 2:
        raise NotCertified("an exponent grows faster than x^2 by its bound; write it as a polynomial in z if it is one")
    constant_part = fraction_ball(coefficients.get(0, _REAL)).exp()
    return exponential(coefficients.get(1, _REAL), coefficients.get(2, _REAL)) * constant_part


def _ball_upper(ball: Ball) -> Fraction:
    mantissa, exponent = ball.upper().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _power(base: sp.Expr, exponent: sp.Expr) -> Strip:
    if not exponent.is_Rational:
        if base.is_positive and not base.free_symbols:
            return _exponential(exponent * sp.log(base))
        raise _unknown(base**exponent)
    if exponent.is_Integer and exponent > 0:
        return _repeated(_resolve(base), int(exponent))
    if exponent > 0:
        root, zero_free = _resolve(base), _zero_free_width(base)
        width = _narrower(root.width, zero_free)
        return Strip(width, lambda d: (constant(1) + root.bound(d)) ** math.ceil(exponent))
    return _reciprocal(base, -exponent)


def _repeated(strip: Strip, n: int) -> Strip:
    return Strip(strip.width, lambda d: strip.bound(d) ** n)


def _zero_free_width(base: sp.Expr) -> Fraction | None:
    """Return the half width of a strip without zeros, where real powers are analytic; 0 if none is known."""
    if isinstance(base, (atoms.softplus, atoms.expit, sp.exp)):
        return None  # no zeros wherever they are analytic
    return _imaginary_part_of_root(base) or _REAL


def _reciprocal(base: sp.Expr, k: sp.Rational) -> Strip:
    """Return the bound of base^-k, k > 0."""
    whole = math.ceil(k)
    if isinstance(base, sp.cosh) and k.is_Integer:
        return _repeated(_composed(TABLE[sp.sech], base), whole)
    if isinstance(base, atoms.expit) and k.is_Integer:
        return _repeated(_resolve(1 + sp.exp(-base.args[0])), whole)
    if isinstance(base, atoms.softplus) and k.is_Integer:
        quotient = _affine(TABLE[atoms.log_softplus_slope], base.args[0])
        return _repeated(_times(quotient, _resolve(1 + sp.exp(-base.args[0]))), whole)
    if isinstance(base, sp.Add) and isinstance(base - 1, sp.exp) and k.is_Integer:
        return _repeated(_resolve(atoms.expit(-(base - 1).args[0])), whole)
    if isinstance(base, sp.tanh) and base.args[0].is_positive and k == 1:  # coth t <= 1 + 1/t for t > 0
        return _on_the_line(_resolve(1 + 1 / base.args[0]))
    height = _imaginary_part_of_root(base)
    if height is not None:
        return _reciprocal_of_quadratic(base, k, height)
    lowest = _lower_bound(base)
    if lowest is not None:
        return Strip(_REAL, lambda d: constant(1 / lowest) ** whole + constant(1))
    raise _unknown(base**-k)


def _imaginary_part_of_root(base: sp.Expr) -> Fraction | None:
    """Return the (lower bound of the) height of the roots of a quadratic polynomial without real roots, else None."""
    if not base.is_polynomial(z) or sp.degree(base, z) != 2:
        return None
    a, b, c = (sp.expand(base).coeff(z, k) for k in (2, 1, 0))
    square = as_ball(evaluate(c / a - b**2 / (4 * a**2), {}))
    if not bool(square > 0):
        return None
    mantissa, exponent = square.sqrt().lower().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _reciprocal_of_quadratic(base: sp.Expr, k: sp.Rational, height: Fraction) -> Strip:
    """|a (z - r)(z - r*)| >= |a| (h - |y|)(h + |y|) >= |a| (h^2 - d^2) where Im r = h."""
    leading = abs(as_ball(evaluate(sp.expand(base).coeff(z, 2), {})))
    return Strip(height, lambda d: constant((leading * fraction_ball(height**2 - d**2)) ** -as_ball(k)))


def _lower_bound(base: sp.Expr) -> Ball | None:
    """Return the positive constant in a sum of it with terms that are never negative on the real line."""
    constant_part, rest = base.as_independent(z, as_Add=True)
    if constant_part.is_positive and all(term.is_nonnegative for term in sp.Add.make_args(rest)):
        return as_ball(evaluate(constant_part, {}))
    return None


def _logarithm(e: sp.log) -> Strip:
    (g,) = e.args
    if isinstance(g, sp.Add) and isinstance(g - 1, sp.exp):
        return _resolve(atoms.softplus((g - 1).args[0]))
    if isinstance(g, sp.cosh):
        return _resolve(atoms.log_cosh(g.args[0]))
    if isinstance(g, atoms.expit):
        return _resolve(atoms.softplus(-g.args[0]))
    if isinstance(g, atoms.ndtr):
        return _resolve(atoms.log_ndtr(g.args[0]))
    if isinstance(g, atoms.softplus):
        return _resolve(atoms.log_softplus(g.args[0]))
    raise _unknown(e)
