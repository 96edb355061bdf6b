"""A closed form with the engine that found it: what `Dual` shows, and what its checks ask again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from dekderive.duals.algebra import differentiate, lift
from dekderive.duals.closed_form import Engine, constants_of
from dekderive.duals.elements import ONE, Element
from dekderive.duals.limits import coincide
from dekderive.duals.normal_form import Terms
from dekderive.duals.reading import Reader, numbers_in
from dekderive.duals.writing import Writer
from dekderive.symbols import kxx, kyy, z

__all__ = ["Solution", "second_moment", "solve"]


@dataclass(frozen=True, slots=True)
class Solution:
    """E[f(u) g(v)] as a normal form, with what is needed to differentiate, to write and to check it."""

    engine: Engine
    left: Element
    right: Element
    terms: Terms
    rule: str
    conditions: tuple[sp.Expr, ...]

    def write(self, terms: Terms) -> sp.Expr:
        """Return a normal form of this field as an expression."""
        minors = tuple(c for c in self.conditions if not (c.has(kxx) and c.has(kyy)))
        return Writer(self.engine.forms, self.engine.log.waves, minors)(terms)

    def price(self) -> Terms:
        """E[f'(u) g'(v)], with deltas for jumps."""
        return self.engine.pair(differentiate(self.left), differentiate(self.right))

    def price_residual(self, expression: sp.Expr) -> Terms:
        """d/dkxy of a formula, minus E[f'(u) g'(v)]: empty is a proof.

        Raises
        ------
        NotRational, NoClosedForm
            If the formula, or the expectation, has no normal form.
        """
        forms = self.engine.forms
        return forms.subtract(forms.differentiate(self.engine.reader(expression), forms.s.c), self.price())

    def independence_residual(self, expression: sp.Expr) -> Terms:
        """A formula at kxy = 0, minus E[f(u)] E[g(v)].

        Raises
        ------
        NotRational, ZeroDivisionError
            If the formula has no normal form, or a pole at kxy = 0.
        """
        forms = self.engine.forms
        at_zero = forms.substitute(self.engine.reader(expression), forms.s.c, forms.s.zero)
        return forms.subtract(at_zero, self.product())

    def product(self) -> Terms:
        """E[f(u)] E[g(v)]."""
        pair, multiply = self.engine.pair, self.engine.forms.multiply
        return multiply(pair(self.left, ONE), pair(ONE, self.right))

    def coincidence_residual(self, expression: sp.Expr) -> Terms:
        """A formula at kyy = kxy = kxx, minus E[f(u) g(u)] by the engine for one variable.

        Raises
        ------
        NotRational, ZeroDivisionError, NoClosedForm
            If the formula has no normal form, its limit is not evident, or f g is outside the algebra.
        """
        forms = self.engine.forms
        limit = coincide(forms, self.engine.reader(expression))
        return forms.subtract(limit, self.engine.single(self.left, self.right))


def _engine(f: sp.Expr, g: sp.Expr) -> tuple[Engine, Element, Element]:
    left, right = lift(f), lift(g)
    symbols = (f.free_symbols | g.free_symbols) - {z}
    return Engine(Reader(symbols, constants_of((left, right)) | numbers_in(f) | numbers_in(g))), left, right


@lru_cache(maxsize=256)
def solve(f: sp.Expr, g: sp.Expr) -> Solution:
    """Return the closed form of E[f(u) g(v)].

    Raises
    ------
    NoClosedForm
        With the offending piece.

    Examples
    --------
    >>> solve(z, z**3).terms.values()
    dict_values([3*kyy*kxy])
    """
    engine, left, right = _engine(f, g)
    terms = engine.pair(left, right)
    conditions = tuple(sorted(engine.log.conditions, key=sp.default_sort_key))
    return Solution(engine, left, right, terms, engine.log.rule, conditions)


def second_moment(f: sp.Expr, g: sp.Expr) -> tuple[sp.Expr, tuple[sp.Expr, ...]]:
    """Return E[f(u) g(u)], u ~ N(0, kxx), and its conditions.

    Raises
    ------
    NoClosedForm
        With the offending piece.

    Examples
    --------
    >>> second_moment(z, z)
    (kxx, ())
    """
    engine, left, right = _engine(f, g)
    terms = engine.single(left, right)
    conditions = tuple(sorted(engine.log.conditions, key=sp.default_sort_key))
    return Writer(engine.forms, engine.log.waves, conditions)(terms), conditions
