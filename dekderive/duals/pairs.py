"""Recognise determinants, and covariances behind a correlation coefficient, in the field of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp
from sympy.polys.fields import FracElement
from sympy.polys.rings import PolyElement

from dekderive.atoms import arcsine, binormal, conditional_margin, noisy_arcsine, squared_distance
from dekderive.duals.scalars import Radical, Scalars
from dekderive.symbols import kxx, kxy, kyy

if TYPE_CHECKING:
    from dekderive.duals.writing import Writer

__all__ = [
    "arcsine_of",
    "binormal_of",
    "conditional_exponent",
    "determinant",
    "gap_product",
    "joint_exponent",
    "margin_of",
]


def _coefficients(s: Scalars, p: PolyElement) -> dict[tuple[int, int, int], FracElement]:
    """Coefficients of the powers of kxx, kyy, kxy, as elements of the field."""
    parts: dict[tuple[int, int, int], dict] = {}
    for monomial, coefficient in p.terms():
        free = (0, 0, 0, *monomial[3:])
        parts.setdefault(monomial[:3], {})[free] = coefficient
    return {powers: s.field(s.field.ring.from_dict(part)) for powers, part in parts.items()}


def determinant(s: Scalars, p: PolyElement) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """Return (scale, n, m) with p = scale ((kxx + n)(kyy + m) - kxy^2) and noises n, m >= 0, or None.

    Examples
    --------
    >>> s = Scalars()
    >>> determinant(s, s((1 + 2 * kxx) * (1 + 2 * kyy) - 4 * kxy**2).numer)
    (4, 1/2, 1/2)
    """
    found = _coefficients(s, p)
    scale = found.pop((1, 1, 0), None)
    if scale is None or found.pop((0, 0, 2), s.zero) != -scale or s.sign(scale) < 0:
        return None
    left, right = found.pop((0, 1, 0), s.zero) / scale, found.pop((1, 0, 0), s.zero) / scale
    if found.pop((0, 0, 0), s.zero) != left * right * scale or found:
        return None
    values = (s.expr(scale), s.expr(left), s.expr(right))
    return values if all(v.is_nonnegative for v in values) else None


def gap_product(
    s: Scalars, moments: tuple[FracElement, FracElement, FracElement], even: FracElement, odd: FracElement
) -> FracElement:
    """Return l such that ``even - l (a b + c^2)`` and ``odd + l c (a + b)`` have none of these terms left, or 0.

    Examples
    --------
    >>> s = Scalars()
    >>> gap_product(s, (s.a, s.b, s.c), 3 * s.a * s.b + 3 * s.c**2 + s.a, -3 * s.c * (s.a + s.b))
    3
    """
    if any(s.involves(s.field(x.denom), g) for x in (even, odd) for g in (s.a, s.b, s.c)):
        return s.zero
    a, b, c = moments
    wanted = [_coefficients(s, x.numer) for x in (a * b + c**2, -c * (a + b))]
    found = [_coefficients(s, x.numer) for x in (even, odd)]
    below = [s.field(x.denom) for x in (a * b + c**2, -c * (a + b))]
    scale = found[0].get((1, 1, 0), s.zero) * below[0] / (wanted[0][1, 1, 0] * s.field(even.denom))
    for have, want, over, under in zip(found, wanted, (even, odd), below, strict=True):
        for powers, x in want.items():
            if s.reduce(have.get(powers, s.zero) / s.field(over.denom) - scale * x / under):
                return s.zero
    return s.reduce(scale)


def _scaled(s: Scalars, v: FracElement, generator: FracElement) -> tuple[FracElement, FracElement] | None:
    """Return (scale, noise) with v = scale (generator + noise), or None."""
    scale = v.diff(generator)
    rest = v - scale * generator
    if not scale or any(s.involves(x, g) for x in (scale, rest) for g in (s.a, s.b, s.c)):
        return None
    return scale, rest / scale


def _variances(s: Scalars, roots: frozenset[PolyElement]) -> tuple[FracElement, FracElement]:
    """Distribute the factors under the root of a correlation over the two variances."""
    left, right = s.one, s.one
    for root in sorted(roots, key=str):
        x = s.field(root)
        in_b, in_a = s.involves(x, s.b), s.involves(x, s.a)
        if in_b and (not in_a or (left != s.one and right == s.one)):
            right = right * x
        else:
            left = left * x
    return left, right


def arcsine_of(writer: Writer, r: Radical) -> sp.Expr:
    """Write asin(r) as an arcsine of the covariance ((v, c), (c, w)) with r = c / sqrt(v w)."""
    s = writer.s
    v, w = _variances(s, r.roots)
    return _arcsine(writer, v, w, r.factor * v * w)


def _arcsine(writer: Writer, v: FracElement, w: FracElement, cross: FracElement) -> sp.Expr:
    s = writer.s
    left, right = _scaled(s, v, s.a), _scaled(s, w, s.b)
    if left is not None and right is not None:
        # asin(c / sqrt(v w)) is unchanged by (v, w, c) -> (v / p, w / q, c / sqrt(p q)).
        ratio = cross / s.c
        if ratio**2 == left[0] * right[0]:
            noises = [s.expr(x[1]) for x in (left, right)]
            if all(n.is_nonnegative for n in noises):
                return sp.Integer(s.sign(ratio)) * noisy_arcsine(kxx, kyy, kxy, *noises)
    if not s.involves(cross, s.c) or s.involves(v, s.c) or s.involves(w, s.c):
        scale = s.field(cross.denom)
        return arcsine(*(writer.exponent(x) for x in (v * scale, w * scale, cross * scale)))
    return arcsine(*(writer.exponent(x) for x in (v, w, cross)))


def binormal_of(writer: Writer, h: Radical, k: Radical, r: Radical) -> sp.Expr:
    """Write a bivariate distribution function of standardised margins with the variances restored."""
    s = writer.s
    v, w = _variances(s, r.roots)
    if h.factor:
        v = s.one
        for root in h.roots:
            v = v * s.field(root)
    if k.factor:
        w = s.one
        for root in k.roots:
            w = w * s.field(root)
    (v, p), (w, q) = _normalised(s, v, s.a), _normalised(s, w, s.b)
    # With v = p v', sqrt(v) = sqrt(p) sqrt(v'): the margin h = n / sqrt(v') has n = h sqrt(v').
    margins = [s.times(x, s.square_root(y)) for x, y in ((h, v), (k, w))]
    cross = s.times(s.times(r, s.square_root(v)), s.square_root(w))
    del p, q
    return binormal(
        *(writer.radical(x) for x in margins), writer.exponent(v), writer.exponent(w), writer.radical(cross)
    )


def margin_of(s: Scalars, x: Radical) -> sp.Expr | None:
    """Write (a k - c h) / sqrt(a (a b - c^2)) as the margin of v <= k given u = h, or return None.

    Examples
    --------
    >>> s = Scalars()
    >>> below = s.inverse(s.square_root(s.a**2 * s.b - s.a * s.c**2))
    >>> margin_of(s, s.times(Radical(2 * s.a - s.c, frozenset()), below))
    conditional_margin(1, 2, kxx, kyy, kxy)
    """
    for first, second, names in ((s.a, s.b, (kxx, kyy)), (s.b, s.a, (kyy, kxx))):
        square = first * (first * second - s.c**2)
        below = s.square_root(square)
        if below.roots != x.roots:
            continue
        numerator = s.times(x, below).factor
        multiple = numerator / (s.a * s.b - s.c**2)
        if not any(s.involves(multiple, g) for g in (s.a, s.b, s.c)):
            return s.expr(multiple) * _deviation(*names)
        k, h = numerator.diff(first), -numerator.diff(s.c)
        constant = not any(s.involves(y, g) for y in (h, k) for g in (s.a, s.b, s.c))
        if constant and numerator == first * k - s.c * h:
            return conditional_margin(s.expr(h), s.expr(k), *names, kxy)
    return None


def joint_exponent(s: Scalars, x: FracElement) -> sp.Expr | None:
    """Write -(b h^2 - 2 c h k + a k^2) / (2 (a b - c^2)) as a squared distance, or return None.

    In the quotient, numerator and denominator vanish together where h = k and a = b = c, and where a variance is 0.

    Examples
    --------
    >>> s = Scalars()
    >>> joint_exponent(s, -(s.a + s.b - 2 * s.c) / (2 * (s.a * s.b - s.c**2)))
    -squared_distance(1, 1, kxx, kyy, kxy)/2
    """
    form = -2 * (s.a * s.b - s.c**2) * x
    of_h, of_k, cross = (form.diff(g) for g in (s.b, s.a, s.c))
    if any(s.involves(y, g) for y in (of_h, of_k, cross) for g in (s.a, s.b, s.c)) or not (of_h or of_k):
        return None
    h, k = (s.square_root(x) if x else Radical(s.zero, frozenset()) for x in (of_h, of_k))
    if h.roots or k.roots or form != s.b * of_h + s.a * of_k + s.c * cross:
        return None
    for sign in (1, -1):
        if cross == -2 * sign * h.factor * k.factor:
            return -squared_distance(s.expr(h.factor), sign * s.expr(k.factor), kxx, kyy, kxy) / 2
    return None


def conditional_exponent(s: Scalars, x: FracElement) -> sp.Expr | None:
    """Write a multiple of b - c^2/a, a conditional variance, by a margin whose limit at a = 0 is known, or return None.

    Examples
    --------
    >>> s = Scalars()
    >>> conditional_exponent(s, (s.a * s.b - s.c**2) / (2 * s.a))
    conditional_margin(kxy, kyy, kxx, kyy, kxy)**2/2
    """
    for first, names in ((s.a, (kxx, kyy)), (s.b, (kyy, kxx))):
        multiple = x * first / (s.a * s.b - s.c**2)
        if not any(s.involves(multiple, g) for g in (s.a, s.b, s.c)):
            return s.expr(multiple) * _deviation(*names) ** 2
    return None


def _deviation(given: sp.Symbol, other: sp.Symbol) -> sp.Expr:
    """sqrt(b - c^2/a) = (b - c c/a) / sqrt(b - c^2/a)."""
    return conditional_margin(kxy, other, given, other, kxy)


def _normalised(s: Scalars, v: FracElement, generator: FracElement) -> tuple[FracElement, FracElement]:
    scaled = _scaled(s, v, generator)
    return (generator + scaled[1], scaled[0]) if scaled is not None else (v, s.one)
