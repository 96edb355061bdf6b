r"""The normal form of a Gaussian expectation, closed under the derivatives in kxx, kyy and kxy.

A normal form is a dictionary.  Its keys are transcendental parts,

.. math:: \sqrt{R}\; e^{Q}\; P, \qquad P \text{ a product of } \arcsin, \Phi, \Phi_2 \text{ and Dawson's integral,}

with R a set of irreducible polynomials and Q a rational function; its values are rational functions.  The arguments
of P are again radicals, and Phi_2 is the bivariate distribution function.  Symmetries (Phi(-x) = 1 - Phi(x),
asin(-x) = -asin(x), and those of Phi_2) are used to give each function one name, hence an empty dictionary proves
that an expression vanishes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sympy.polys.fields import FracElement
from sympy.polys.rings import PolyElement

from dekderive.duals.scalars import NotRational, Radical, Scalars

__all__ = ["Function", "Key", "NormalForms", "Terms"]


class Function(NamedTuple):
    """A transcendental function of radicals."""

    name: str
    arguments: tuple


class Key(NamedTuple):
    """Product of square roots, exp(exponent), and functions with multiplicities."""

    roots: frozenset[PolyElement]
    exponent: FracElement
    functions: frozenset[tuple[Function, int]]


Terms = dict[Key, FracElement]


class NormalForms:
    """Arithmetic and calculus of normal forms over one field.

    Examples
    --------
    >>> from dekderive.symbols import kxx, kxy, kyy
    >>> forms = NormalForms(Scalars())
    >>> angle = forms.arcsine(forms.s.times(Radical(forms.s.c, frozenset()), forms.s.inverse(
    ...     forms.s.square_root(forms.s.a * forms.s.b))))
    >>> list(forms.differentiate(angle, forms.s.c).values())
    [1/(kxx*kyy - kxy**2)]
    """

    def __init__(self, scalars: Scalars) -> None:
        self.s = scalars
        self.unit = Key(frozenset(), scalars.zero, frozenset())
        self._slopes: dict[tuple[Function, FracElement], Terms] = {}

    # arithmetic

    def scalar(self, x: FracElement) -> Terms:
        """A rational function."""
        x = self.s.reduce(x)
        return {self.unit: x} if x else {}

    def radical(self, x: Radical) -> Terms:
        """A rational function times square roots."""
        factor = self.s.reduce(x.factor)
        return {self.unit._replace(roots=x.roots): factor} if factor else {}

    def exponential(self, exponent: FracElement) -> Terms:
        """exp(exponent)."""
        return {self.unit._replace(exponent=self.s.reduce(exponent)): self.s.one}

    def function(self, name: str, *arguments: object) -> Terms:
        """A function as it stands, without using any symmetry."""
        return {self.unit._replace(functions=frozenset({(Function(name, arguments), 1)})): self.s.one}

    def add(self, parts: Iterable[Terms]) -> Terms:
        """Sum of normal forms."""
        total: Terms = {}
        for part in parts:
            for key, x in part.items():
                total[key] = total[key] + x if key in total else x
        return {key: x for key, x in total.items() if x}

    def scale(self, terms: Terms, x: FracElement) -> Terms:
        """A normal form times a rational function."""
        if not x:
            return {}
        scaled = {key: self.s.reduce(value * x) for key, value in terms.items()}
        return {key: value for key, value in scaled.items() if value}

    def multiply(self, left: Terms, right: Terms) -> Terms:
        """Product of two normal forms."""
        if left == {self.unit: self.s.one}:
            return right
        total: Terms = {}
        for k, x in left.items():
            for m, y in right.items():
                root = self.s.times(Radical(x * y, k.roots), Radical(self.s.one, m.roots))
                key = Key(root.roots, self.s.reduce(k.exponent + m.exponent), _merged(k.functions, m.functions))
                total[key] = total.get(key, self.s.zero) + self.s.reduce(root.factor)
        return {key: x for key, x in total.items() if x}

    def subtract(self, left: Terms, right: Terms) -> Terms:
        """Difference of two normal forms."""
        return self.add([left, self.scale(right, -self.s.one)])

    # functions, each under one name

    def _flips(self, x: Radical) -> bool:
        """Whether -x is the preferred argument: negative at independence, or else odd in kxy and growing."""
        level = self.s.at_independence(x.factor)
        return level > 0 or (level == 0 and self.s.sign(x.factor) < 0)

    def _negative(self, x: Radical) -> Radical:
        return Radical(-x.factor, x.roots)

    def _reduced(self, x: Radical) -> Radical:
        return Radical(self.s.reduce(x.factor), x.roots)

    def probit(self, x: Radical) -> Terms:
        """Phi(x); of a negative argument where that can be: small values are named, and not their complements."""
        x = self._reduced(x)
        half = self.scalar(self.s.one / 2)
        if not x.factor:
            return half
        real, imaginary = self.s.complex_parts(x.factor)
        if imaginary and not real:
            # Phi(i y) = 1/2 + (i / sqrt(pi)) exp(y^2 / 2) D(y / sqrt(2)), D Dawson's integral.
            y = Radical(imaginary, x.roots)
            scale = self.radical(self.s.inverse(self.s.square_root(self.s.pi)))
            wave = self.multiply(self.exponential(self.s.square(y) / 2), self.dawson(y))
            return self.add([half, self.scale(self.multiply(scale, wave), self.s.i)])
        if self._flips(x):
            return self.subtract(self.scalar(self.s.one), self.function("probit", self._negative(x)))
        return self.function("probit", x)

    def dawson(self, y: Radical) -> Terms:
        """D(y / sqrt(2)), which is odd in y."""
        y = self._reduced(y)
        if self.s.sign(y.factor) < 0:
            return self.scale(self.function("dawson", self._negative(y)), -self.s.one)
        return self.function("dawson", y) if y.factor else {}

    def arcsine(self, r: Radical) -> Terms:
        """asin(r), which is odd in r."""
        if not r.factor:
            return {}
        if self.s.square(r) == self.s.one:
            return self.scalar(self.s.pi * self.s.sign(r.factor) / 2)
        if self.s.sign(r.factor) < 0:
            return self.scale(self.function("arcsine", self._negative(r)), -self.s.one)
        return self.function("arcsine", r)

    def binormal(self, h: Radical, k: Radical, r: Radical) -> Terms:
        """P(U <= h, V <= k) for standard normal variables with correlation r."""
        h, k, r = (self._reduced(x) for x in (h, k, r))
        if not r.factor:
            return self.multiply(self.probit(h), self.probit(k))
        if self.s.square(r) == self.s.one:
            return self._degenerate(h, k, self.s.sign(r.factor))
        if not h.factor and not k.factor:
            return self.add([self.scalar(self.s.one / 4), self.scale(self.arcsine(r), self.s.one / (2 * self.s.pi))])
        if _name(k) < _name(h):
            h, k = k, h
        # P(U <= h, V <= k) = P(V <= k) - P(-U <= -h, V <= k)
        if self._flips(h) or (not h.factor and self._flips(r)):
            return self.subtract(self.probit(k), self.binormal(self._negative(h), k, self._negative(r)))
        if self._flips(k) or (not k.factor and self._flips(r)):
            return self.subtract(self.probit(h), self.binormal(h, self._negative(k), self._negative(r)))
        return self.function("binormal", h, k, r)

    def _degenerate(self, h: Radical, k: Radical, sign: int) -> Terms:
        """At r = 1: Phi(min(h, k)), and at r = -1: max(0, Phi(h) + Phi(k) - 1) = max(0, Phi(k) - Phi(-h))."""
        if sign < 0:
            h = self._negative(h)
        if h.roots != k.roots and h.factor and k.factor:
            return self.function("binormal", h, k, Radical(self.s.one * sign, frozenset()))
        order = self.s.sign(k.factor - h.factor)
        if sign > 0:
            return self.probit(h if order > 0 else k)
        return self.subtract(self.probit(k), self.probit(h)) if order > 0 else {}

    # calculus

    def differentiate(self, terms: Terms, variable: FracElement) -> Terms:
        """Derivative in a generator of the field."""
        parts: list[Terms] = []
        for key, x in terms.items():
            slope = x.diff(variable) + x * key.exponent.diff(variable)
            for root in key.roots:
                slope = slope + x * self.s.field(root.diff(variable.numer)) / (2 * self.s.field(root))
            parts.append(self.scale({key: self.s.one}, slope))
            for function, count in key.functions:
                inner = self._slope(function, variable)
                if inner:
                    rest = key._replace(functions=_lowered(key.functions, function))
                    parts.append(self.multiply({rest: x * count}, inner))
        return self.add(parts)

    def _slope(self, function: Function, variable: FracElement) -> Terms:
        known = self._slopes.get((function, variable))
        if known is None:
            rule = getattr(self, f"_slope_of_{function.name}")
            known = self._slopes[function, variable] = rule(variable, *function.arguments)
        return known

    def _inner(self, x: Radical, variable: FracElement) -> Terms:
        slope = x.factor.diff(variable)
        for root in x.roots:
            slope = slope + x.factor * self.s.field(root.diff(variable.numer)) / (2 * self.s.field(root))
        return self.radical(Radical(slope, x.roots))

    def _root_below(self, x: FracElement) -> Terms:
        return self.radical(self.s.inverse(self.s.square_root(x)))

    def density(self, x: Radical) -> Terms:
        """exp(-x^2/2) / sqrt(2 pi)."""
        return self.multiply(self._root_below(2 * self.s.pi), self.exponential(-self.s.square(x) / 2))

    def _slope_of_probit(self, variable: FracElement, x: Radical) -> Terms:
        return self.multiply(self._inner(x, variable), self.density(x))

    def _slope_of_dawson(self, variable: FracElement, y: Radical) -> Terms:
        # d/dy D(y / sqrt 2) = 1 / sqrt 2 - y D(y / sqrt 2)
        outer = self.subtract(self._root_below(2 * self.s.one), self.multiply(self.radical(y), self.dawson(y)))
        return self.multiply(self._inner(y, variable), outer)

    def _slope_of_arcsine(self, variable: FracElement, r: Radical) -> Terms:
        return self.multiply(self._inner(r, variable), self._root_below(self.s.one - self.s.square(r)))

    def _slope_of_binormal(self, variable: FracElement, h: Radical, k: Radical, r: Radical) -> Terms:
        """Plackett: the derivative in r is the joint density; in h it is phi(h) Phi((k - r h) / sqrt(1 - r^2))."""
        gap = self.s.one - self.s.square(r)
        below = self.s.inverse(self.s.square_root(gap))
        rhk = self.s.times(self.s.times(r, h), k).factor
        exponent = -(self.s.square(h) - 2 * rhk + self.s.square(k)) / (2 * gap)
        joint = self.multiply(self.radical(below), self.exponential(exponent))
        parts = [self.multiply(self._inner(r, variable), self.scale(joint, self.s.one / (2 * self.s.pi)))]
        for x, y in ((h, k), (k, h)):
            inner = self._inner(x, variable)
            if inner:
                shift = self.s.times(r, x)
                given = self.s.times(self.sum_of(y, self._negative(shift)), below)
                parts.append(self.multiply(inner, self.multiply(self.density(x), self.probit(given))))
        return self.add(parts)

    def sum_of(self, x: Radical, y: Radical) -> Radical:
        """Sum of two radicals over the same roots (or of which one is zero)."""
        if not x.factor:
            return y
        if not y.factor:
            return x
        if x.roots != y.roots:
            raise NotRational(f"{x} + {y} is no radical")
        return Radical(x.factor + y.factor, x.roots)

    def _slope_of_opaque(self, variable: FracElement, reader: object, expression: object) -> Terms:
        return reader.derivative(expression, variable)  # type: ignore[attr-defined]

    # substitution

    def substitute(self, terms: Terms, variable: FracElement, value: FracElement) -> Terms:
        """The normal form with a generator replaced by a rational function.

        Raises
        ------
        ZeroDivisionError
            If a coefficient has a pole there.
        """
        return self.add(self._substituted(key, x, variable, value) for key, x in terms.items())

    def _substituted(self, key: Key, x: FracElement, variable: FracElement, value: FracElement) -> Terms:
        def at(e: FracElement) -> FracElement:
            return self.compose(e, variable, value)

        def radical(r: Radical) -> Radical:
            result = Radical(at(r.factor), frozenset())
            for root in r.roots:
                result = self.s.times(result, self.s.square_root(at(self.s.field(root))))
            return result

        total = self.radical(radical(Radical(x, key.roots)))
        total = self.multiply(total, self.exponential(at(key.exponent)))
        for function, count in key.functions:
            if function.name == "opaque":
                raise NotRational("an opaque function cannot be substituted into")
            inner = getattr(self, function.name)(*(radical(r) for r in function.arguments))
            for _ in range(count):
                total = self.multiply(total, inner)
        return total

    def compose(self, x: FracElement, variable: FracElement, value: FracElement) -> FracElement:
        """A rational function with a generator replaced."""
        index = self.s.field.gens.index(variable)

        def at(polynomial: PolyElement) -> FracElement:
            total = self.s.zero
            for monomial, coefficient in polynomial.terms():
                bare = self.s.field.ring.from_dict({(*monomial[:index], 0, *monomial[index + 1 :]): coefficient})
                power = value ** monomial[index] if monomial[index] else self.s.one
                total = total + self.s.field(bare) * power
            return total

        return at(x.numer) / at(x.denom)


def _merged(
    left: frozenset[tuple[Function, int]], right: frozenset[tuple[Function, int]]
) -> frozenset[tuple[Function, int]]:
    if not left or not right:
        return left or right
    counts = dict(left)
    for function, count in right:
        counts[function] = counts.get(function, 0) + count
    return frozenset(counts.items())


def _lowered(functions: frozenset[tuple[Function, int]], function: Function) -> frozenset[tuple[Function, int]]:
    counts = dict(functions)
    counts[function] -= 1
    return frozenset((f, n) for f, n in counts.items() if n)


def _name(x: Radical) -> tuple:
    """An order of radicals; those of kxx come before those of kyy."""
    generators = "kyy" in " ".join(str(r) for r in x.roots) or "kyy" in str(x.factor)
    return generators, sorted(str(r) for r in x.roots), str(x.factor)
