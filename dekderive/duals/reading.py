"""Read an expression back as a normal form: what is proved is the expression that is shown and printed.

A check that only compared what the engine computed with itself would say nothing about the text of a formula.  Here
the formula is parsed again, atom by atom, into the dictionary that decides identities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import sympy as sp
from sympy.polys.fields import FracElement

from dekderive.atoms import (
    arcsine,
    binormal,
    binormal_excess,
    conditional_margin,
    damped_cosh,
    damped_gap_cosh,
    damped_gap_sinh,
    damped_sinh,
    dawson,
    exp_binormal,
    exp_erfcx_im,
    exp_erfcx_re,
    exp_ndtr,
    ndtr,
    noisy_arcsine,
    noisy_rootgap,
    rootgap,
    squared_distance,
)
from dekderive.duals.normal_form import Function, NormalForms, Terms
from dekderive.duals.scalars import NotRational, Radical, Scalars

__all__ = ["Reader", "is_identically_zero", "numbers_in"]


class Reader:
    """Reads expressions in given symbols.

    Parameters
    ----------
    symbols : iterable of sympy.Symbol
    constants : iterable of sympy.Expr
        Irrational numbers inside exponents and knots.

    Examples
    --------
    >>> from dekderive.symbols import kxx, kxy, kyy
    >>> Reader()(rootgap(kxx, kyy, kxy) ** 2 - kxx * kyy + kxy**2)
    {}
    """

    def __init__(self, symbols: Iterable[sp.Symbol] = (), constants: Iterable[sp.Expr] = ()) -> None:
        self.scalars = Scalars(symbols, constants)
        self.forms = NormalForms(self.scalars)
        self._known: dict[sp.Expr, Terms] = {}

    def __call__(self, expression: sp.Expr) -> Terms:
        """Return the normal form.

        Raises
        ------
        NotRational
            If some part has no normal form (a power of a sum of square roots, say).
        """
        known = self._known.get(expression)
        if known is None:
            known = self._known[expression] = self._read(expression)
        return known

    def rational(self, expression: sp.Expr) -> FracElement:
        """Return an expression without transcendental parts as an element of the field.

        Raises
        ------
        NotRational
            If it has such parts.
        """
        try:
            return self.scalars.reduce(self.scalars(expression))
        except NotRational:
            terms = self(expression)
        if not terms:
            return self.scalars.zero
        if set(terms) != {self.forms.unit}:
            raise NotRational(str(expression))
        return terms[self.forms.unit]

    def radical(self, expression: sp.Expr) -> Radical:
        """Return an expression as a rational function times square roots.

        Raises
        ------
        NotRational
            If it is a sum of several, or has other transcendental parts.
        """
        terms = self(expression)
        if not terms:
            return Radical(self.scalars.zero, frozenset())
        ((key, factor),) = terms.items() if len(terms) == 1 else [(None, None)]
        if key is None or key.exponent or key.functions:
            raise NotRational(str(expression))
        return Radical(factor, key.roots)

    def derivative(self, expression: sp.Expr, variable: FracElement) -> Terms:
        """Derivative of a function without a rule."""
        symbol = next(s for s, g in self.scalars.generator.items() if g == variable)
        return self(sp.diff(expression, symbol))

    def _read(self, e: sp.Expr) -> Terms:
        try:
            return self.forms.scalar(self.scalars(e))
        except NotRational:
            pass
        if e.is_Add:
            return self.forms.add(self(x) for x in e.args)
        if e.is_Mul:
            product = self.forms.scalar(self.scalars.one)
            for x in e.args:
                product = self.forms.multiply(product, self(x))
            return product
        if e == sp.E:
            return self.forms.exponential(self.scalars.one)
        if e.is_Pow:
            return self._power(e)
        rule = _RULES.get(type(e))
        return rule(self, *e.args) if rule is not None else self._opaque(e)

    def _power(self, e: sp.Expr) -> Terms:
        if e.exp.is_Integer:
            terms = self(e.base)
            return self._repeated(terms, e.exp) if e.exp > 0 or _is_invertible(terms) else self._opaque(e)
        if not (e.exp.is_Rational and e.exp.q == 2):
            return self._opaque(e)
        terms = self(e.base)
        ((key, factor),) = terms.items() if len(terms) == 1 else [(None, None)]
        if key is None or key.roots or key.functions:
            return self._opaque(e)
        root = self.forms.radical(self.scalars.square_root(factor))
        root = self.forms.multiply(root, self.forms.exponential(key.exponent / 2))
        return self._repeated(root, sp.Integer(e.exp.p))

    def _repeated(self, terms: Terms, power: sp.Integer) -> Terms:
        terms = terms if power > 0 else self._inverse(terms)
        total = self.forms.scalar(self.scalars.one)
        for _ in range(abs(int(power))):
            total = self.forms.multiply(total, terms)
        return total

    def _inverse(self, terms: Terms) -> Terms:
        ((key, factor),) = terms.items()
        root = self.scalars.inverse(Radical(factor, key.roots))
        return self.forms.multiply(self.forms.radical(root), self.forms.exponential(-key.exponent))

    def _opaque(self, e: sp.Expr) -> Terms:
        key = self.forms.unit._replace(functions=frozenset({(Function("opaque", (self, e)), 1)}))
        return {key: self.scalars.one}

    # the atoms

    def _exp(self, x: sp.Expr) -> Terms:
        return self.forms.exponential(self.rational(x))

    def _waves(self, x: sp.Expr, even: bool, imaginary: bool) -> Terms:
        """cosh, sinh, cos and sin as sums of two exponentials."""
        s, unit = self.scalars, self.scalars.i if imaginary else self.scalars.one
        exponent = self.rational(x) * unit
        forward, back = self.forms.exponential(exponent), self.forms.exponential(-exponent)
        total = self.forms.add([forward, back]) if even else self.forms.subtract(forward, back)
        return self.forms.scale(total, s.one / 2 if even else s.one / (2 * unit))

    def _normal(self, x: sp.Expr) -> Terms:
        return self.forms.probit(self.radical(x))

    def _erf(self, x: sp.Expr) -> Terms:
        gate = self.forms.probit(self.radical(sp.sqrt(2) * x))
        return self.forms.subtract(self.forms.scale(gate, 2 * self.scalars.one), self.forms.scalar(self.scalars.one))

    def _dawson(self, x: sp.Expr) -> Terms:
        return self.forms.dawson(self.radical(sp.sqrt(2) * x))

    def _rootgap(self, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> Terms:
        return self.forms.radical(self.scalars.square_root(self.rational(a * b - c**2)))

    def _correlation(self, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> Radical:
        below = self.scalars.inverse(self.scalars.square_root(self.rational(a) * self.rational(b)))
        return self.scalars.times(self.radical(c), below)

    def _arcsine(self, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> Terms:
        return self.forms.arcsine(self._correlation(a, b, c))

    def _binormal(self, h: sp.Expr, k: sp.Expr, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> Terms:
        s = self.scalars
        left, right = (
            s.times(self.radical(x), s.inverse(s.square_root(self.rational(v)))) for x, v in ((h, a), (k, b))
        )
        return self.forms.binormal(left, right, self._correlation(a, b, c))

    def _damped(self, a: sp.Expr, b: sp.Expr, c: sp.Expr, even: bool) -> Terms:
        return self.forms.multiply(self._exp(-(a + b) / 2), self._waves(c, even, False))

    def _complex_erfcx(self, p: sp.Expr, q: sp.Expr, x: sp.Expr, y: sp.Expr, imaginary: bool) -> Terms:
        """A part of exp(e) erfcx(s) = 2 exp(e + s^2) Phi(-sqrt(2) s), as a sum with its conjugate."""
        s, forms = self.scalars, self.forms
        real, above = self.radical(-sp.sqrt(2) * x), self.radical(-sp.sqrt(2) * y)
        parts = []
        for unit in (s.i, -s.i):
            argument = forms.sum_of(real, Radical(above.factor * unit, above.roots))
            exponent = self.rational(p) + unit * self.rational(q) + s.reduce(s.square(argument)) / 2
            weight = unit / s.i if imaginary else s.one
            parts.append(forms.scale(forms.multiply(forms.exponential(exponent), forms.probit(argument)), weight))
        return forms.scale(forms.add(parts), 1 / s.i if imaginary else s.one)


_RULES: dict[type, Callable[..., Terms]] = {
    sp.exp: Reader._exp,
    sp.cosh: lambda r, x: r._waves(x, True, False),
    sp.sinh: lambda r, x: r._waves(x, False, False),
    sp.cos: lambda r, x: r._waves(x, True, True),
    sp.sin: lambda r, x: r._waves(x, False, True),
    ndtr: Reader._normal,
    sp.erf: Reader._erf,
    dawson: Reader._dawson,
    rootgap: Reader._rootgap,
    noisy_rootgap: lambda r, a, b, c, s, t: r._rootgap(a + s, b + t, c),
    arcsine: Reader._arcsine,
    noisy_arcsine: lambda r, a, b, c, s, t: r._arcsine(a + s, b + t, c),
    binormal: Reader._binormal,
    conditional_margin: lambda r, h, k, a, b, c: r((a * k - c * h) / (sp.sqrt(a) * rootgap(a, b, c))),
    binormal_excess: lambda r, *x: r(binormal_excess(*x).definition),
    squared_distance: lambda r, *x: r(squared_distance(*x).definition),
    exp_binormal: lambda r, p, *x: r.forms.multiply(r._exp(p), r._binormal(*x)),
    exp_erfcx_re: lambda r, *x: r._complex_erfcx(*x, False),
    exp_erfcx_im: lambda r, *x: r._complex_erfcx(*x, True),
    exp_ndtr: lambda r, p, x: r.forms.multiply(r._exp(p), r._normal(x)),
    damped_sinh: lambda r, a, b, c: r._damped(a, b, c, False),
    damped_gap_cosh: lambda r, *x: r(damped_gap_cosh(*x).definition),
    damped_gap_sinh: lambda r, *x: r(damped_gap_sinh(*x).definition),
    damped_cosh: lambda r, a, b, c: r._damped(a, b, c, True),
}


def _is_invertible(terms: Terms) -> bool:
    return len(terms) == 1 and not any(key.functions for key in terms)


def numbers_in(expression: sp.Expr) -> set[sp.Expr]:
    """Values of functions without a rule, such as log(2): each becomes a generator, so that its root is known too.

    Examples
    --------
    >>> numbers_in(sp.log(2) * sp.exp(3) + sp.sqrt(2))
    {log(2)}
    """
    return {e for e in expression.atoms(sp.Function) if e.is_number and e.is_real and type(e) not in _RULES}


def is_identically_zero(expression: sp.Expr) -> bool:
    """Return True if the normal form proves that the expression vanishes; False means "not proved", not "non-zero".

    Examples
    --------
    >>> from dekderive.symbols import kxx, kxy, kyy
    >>> is_identically_zero(rootgap(kxx, kyy, kxy) ** 2 - kxx * kyy + kxy**2)
    True
    """
    try:
        return not Reader(expression.free_symbols, numbers_in(expression))(expression)
    except (NotRational, ZeroDivisionError):
        return False
