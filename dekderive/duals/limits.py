"""The value of a normal form at coincidence, kyy = kxx = kxy, as a limit."""

from __future__ import annotations

from sympy.polys.fields import FracElement
from sympy.polys.rings import PolyElement

from dekderive.duals.normal_form import Function, Key, NormalForms, Terms
from dekderive.duals.scalars import NotRational, Radical

__all__ = ["coincide"]


def coincide(forms: NormalForms, terms: Terms) -> Terms:
    """Return the limit for kyy = kxx and kxy -> kxx from below.

    Each term is a power of kxx - kxy times a function that is continuous there, or vanishes exponentially.

    Raises
    ------
    NotRational
        If a single term is unbounded: then the limit, if there is one, rests on a cancellation that is not examined.

    Examples
    --------
    >>> from dekderive.duals.reading import Reader
    >>> from dekderive.atoms import arcsine
    >>> from dekderive.symbols import kxx, kxy, kyy
    >>> reader = Reader()
    >>> list(coincide(reader.forms, reader(arcsine(kxx, kyy, kxy))).values())
    [pi_/2]
    """
    equal = forms.substitute(terms, forms.s.b, forms.s.a)
    return forms.add(_limit(forms, key, x) for key, x in equal.items())


def _limit(forms: NormalForms, key: Key, x: FracElement) -> Terms:
    s = forms.s
    exponent, pole = _split(forms, key.exponent)
    if pole < 0:
        if s.sign(_at(forms, exponent)) > 0:
            raise NotRational("an exponential is unbounded at coincidence")
        return {}
    total = forms.exponential(_at(forms, exponent) if pole == 0 else s.zero)
    for function, count in key.functions:
        inner = _function(forms, function)
        for _ in range(count):
            total = forms.multiply(total, inner)
    if not total:
        return {}
    factor, order = _radical(forms, Radical(x, key.roots))
    if order < 0:
        raise NotRational("a term is unbounded at coincidence")
    return forms.multiply(forms.radical(factor), total) if order == 0 else {}


def _function(forms: NormalForms, function: Function) -> Terms:
    s = forms.s
    if function.name == "opaque":
        raise NotRational("an opaque function has no known limit")
    values = []
    for argument in function.arguments:
        value, order = _radical(forms, argument)
        if order < 0:
            if function.name != "probit":
                raise NotRational("an argument is unbounded at coincidence")
            return forms.scalar(s.one) if s.sign(value.factor) > 0 else {}
        values.append(value if order == 0 else Radical(s.zero, frozenset()))
    return getattr(forms, function.name)(*values)


def _radical(forms: NormalForms, x: Radical) -> tuple[Radical, float]:
    """Leading coefficient at coincidence, and the order of its zero in kxx - kxy (half-integers for roots)."""
    s = forms.s
    factor, order = _split(forms, x.factor)
    total, half = Radical(_at(forms, factor), frozenset()), 0.0
    for root in x.roots:
        rest, multiplicity = _split(forms, s.field(root))
        half += multiplicity / 2
        total = s.times(total, s.square_root(_at(forms, rest)))
    return total, order + half


def _split(forms: NormalForms, x: FracElement) -> tuple[FracElement, int]:
    """Write x = y (kxx - kxy)^n with y finite and non-zero at coincidence."""
    if not x:
        return x, 0
    ring = forms.s.field.ring
    gap = ring.gens[0] - ring.gens[2]
    top, n = _divide(x.numer, gap)
    bottom, m = _divide(x.denom, gap)
    return forms.s.field(top) / forms.s.field(bottom), n - m


def _divide(polynomial: PolyElement, gap: PolyElement) -> tuple[PolyElement, int]:
    count = 0
    while True:
        quotient, rest = polynomial.div(gap)
        if rest:
            return polynomial, count
        polynomial, count = quotient, count + 1


def _at(forms: NormalForms, x: FracElement) -> FracElement:
    return forms.compose(x, forms.s.c, forms.s.a)
