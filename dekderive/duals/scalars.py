"""The field in which the closed-form engine computes: rational functions of kxx, kyy, kxy and the parameters.

SymPy's sparse fraction field normalises every element, so equality is equality of numerators and denominators.  Three
kinds of generators have a meaning beyond their name: ``pi``; the imaginary unit (sin and cos are carried as
exponentials, and i^2 = -1 is applied only at the end); and the square roots of primes that occur inside exponents or
knots.  Whatever else is constant (log 2, a gamma function) is a generator without relations.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

import sympy as sp
from sympy.polys.fields import FracElement, FracField
from sympy.polys.rings import PolyElement

from dekderive.symbols import kxx, kxy, kyy

__all__ = ["NotRational", "Radical", "Scalars"]

_PI, _UNIT = sp.Symbol("pi_", positive=True), sp.Symbol("i_")


class NotRational(Exception):
    """An expression is not a rational function of the generators; private to the engine."""


class Radical(NamedTuple):
    """``factor`` times the square roots of distinct irreducible polynomials, each positive on the domain."""

    factor: FracElement
    roots: frozenset[PolyElement]


class Scalars:
    """The fraction field of given symbols and constants, with square roots and signs at a sample point.

    Parameters
    ----------
    symbols : iterable of sympy.Symbol
        Parameters besides kxx, kyy, kxy.
    constants : iterable of sympy.Expr
        Irrational numbers that must be generators because they occur inside exponents or knots.

    Notes
    -----
    The sign of a square root is fixed at one sample point (small variances, kxy = 0, parameters that obey their
    assumptions).  This is a proof and no heuristic: what stands under a root is a variance or a determinant, hence free
    of zeros on the admissible domain, which is connected and has the sample point in it.

    Examples
    --------
    >>> s = Scalars()
    >>> s.square_root(s(kxx * kyy - kxy**2) ** 3).factor
    kxx*kyy - kxy**2
    """

    def __init__(self, symbols: Iterable[sp.Symbol] = (), constants: Iterable[sp.Expr] = ()) -> None:
        named = sorted(set(symbols) - {kxx, kyy, kxy}, key=lambda s: (s.name, str(s.assumptions0)))
        self._constants = {
            c: sp.Symbol(f"const{i}_") for i, c in enumerate(sorted(set(constants), key=sp.default_sort_key))
        }
        self.symbols = (kxx, kyy, kxy, *named, _PI, _UNIT, *self._constants.values())
        self.field = FracField(self.symbols, sp.ZZ)
        self.generator = dict(zip(self.symbols, self.field.gens, strict=True))
        self.zero, self.one = self.field.zero, self.field.one
        self.a, self.b, self.c = self.field.gens[:3]
        self.pi, self.i = self.generator[_PI], self.generator[_UNIT]
        self._surds = {int(c.base): self.generator[s] for c, s in self._constants.items() if c.is_Pow}
        self._relations = [(self.symbols.index(_UNIT), -1)]
        self._relations += [(self.symbols.index(s), int(c.base)) for c, s in self._constants.items() if c.is_Pow]
        self._sample = [self._sample_value(s) for s in self.symbols]
        self._meaning = {_PI: sp.pi, _UNIT: sp.I} | {s: c for c, s in self._constants.items()}
        self._roots: dict[FracElement, Radical] = {}
        self._factors: dict[PolyElement, tuple[int, list[tuple[PolyElement, int]]]] = {}

    def _sample_value(self, s: sp.Symbol) -> Fraction:
        index = self.symbols.index(s)
        if index < 3:
            return (Fraction(1, 1_000_003), Fraction(1, 700_001), Fraction(0))[index]
        if s == _PI:
            return Fraction(355, 113)
        if s == _UNIT:
            return Fraction(0)
        for constant, symbol in self._constants.items():
            if s == symbol:
                return Fraction(str(constant.evalf(20)))
        size = Fraction(2 * index + 1, 11)
        return -size if s.is_negative or (s.is_nonpositive and not s.is_zero) else size

    def __call__(self, expression: sp.Expr) -> FracElement:
        """Return the expression as an element of the field.

        Raises
        ------
        NotRational
            If it is no rational function of the generators.
        """
        e = expression
        if e in self.generator:
            return self.generator[e]
        if e in self._constants:
            return self.generator[self._constants[e]]
        if e.is_Rational:
            return self.field(int(e.p)) / int(e.q)
        if e.is_Float:
            return self(sp.Rational(e))
        if e == sp.pi:
            return self.pi
        if e == sp.I:
            return self.i
        if e.is_Add:
            return self.field(0) + sum(self(x) for x in e.args)
        if e.is_Mul:
            product = self.one
            for x in e.args:
                product = product * self(x)
            return product
        if e.is_Pow and e.exp.is_Integer:
            return self(e.base) ** int(e.exp)
        if e.is_Pow and e.base.is_Rational and e.exp.is_Rational and e.exp.q == 2:
            root = self.square_root(self(e.base))
            if not root.roots:
                return root.factor ** int(e.exp.p)
        raise NotRational(str(e))

    def expr(self, x: FracElement | PolyElement) -> sp.Expr:
        """Return an element as an expression."""
        return x.as_expr().xreplace(self._meaning)

    def factors(self, polynomial: PolyElement) -> tuple[int, list[tuple[PolyElement, int]]]:
        """Return the content and the irreducible factors, positive at the sample point where it tells a sign."""
        known = self._factors.get(polynomial)
        if known is None:
            content, factors = polynomial.factor_list()
            content, signed = int(content), []
            for base, multiplicity in factors:
                if self.sign(self.field(base)) < 0:
                    base, content = -base, content * (-1) ** multiplicity
                signed.append((base, multiplicity))
            known = self._factors[polynomial] = (content, signed)
        return known

    def square_root(self, x: FracElement) -> Radical:
        """Return sqrt(x) for an element that is positive on the domain (a negative one gets a root of -1)."""
        known = self._roots.get(x)
        if known is not None:
            return known
        factor, roots = self.one, set()
        negative = False
        for polynomial, direction in ((x.numer, 1), (x.denom, -1)):
            content, factors = self.factors(polynomial)
            negative ^= content < 0
            primes = [(self.field.ring(int(p)), m) for p, m in sp.factorint(abs(content)).items()]
            for base, multiplicity in [*factors, *primes]:
                whole, odd = divmod(multiplicity, 2)
                rising = whole if direction > 0 else -(whole + odd)
                factor = factor * self.field(base) ** rising
                if odd:
                    surd = self._surds.get(int(base.LC)) if base.is_ground else None
                    if surd is not None:
                        factor = factor * surd
                    else:
                        roots.add(base)
        if negative:
            factor = factor * self.i
        result = self._roots[x] = Radical(factor, frozenset(roots))
        return result

    def times(self, left: Radical, right: Radical) -> Radical:
        """Return the product of two radicals."""
        factor = left.factor * right.factor
        for shared in left.roots & right.roots:
            factor = factor * self.field(shared)
        return Radical(factor, left.roots ^ right.roots)

    def inverse(self, x: Radical) -> Radical:
        """Return 1 / x."""
        factor = self.one / x.factor
        for base in x.roots:
            factor = factor / self.field(base)
        return Radical(factor, x.roots)

    def square(self, x: Radical) -> FracElement:
        """Return x^2."""
        return self.times(x, x).factor

    def reduce(self, x: FracElement) -> FracElement:
        """Apply i^2 = -1 and p = sqrt(p)^2, and make the denominator free of them."""
        for index, square in self._relations:
            if any(m[index] for m in x.numer) or any(m[index] for m in x.denom):
                x = self._reduce(x, index, square)
        return x

    def _reduce(self, x: FracElement, index: int, square: int) -> FracElement:
        top, bottom = self._split(x.numer, index, square), self._split(x.denom, index, square)
        root, f = self.field.gens[index], self.field
        norm = f(bottom[0]) ** 2 - square * f(bottom[1]) ** 2
        plain = f(top[0]) * f(bottom[0]) - square * f(top[1]) * f(bottom[1])
        return (plain + root * (f(top[1]) * f(bottom[0]) - f(top[0]) * f(bottom[1]))) / norm

    def _split(self, polynomial: PolyElement, index: int, square: int) -> tuple[PolyElement, PolyElement]:
        parts = [self.field.ring.zero.copy(), self.field.ring.zero.copy()]
        for monomial, coefficient in polynomial.terms():
            power = monomial[index]
            bare = (*monomial[:index], 0, *monomial[index + 1 :])
            part = parts[power % 2]
            part[bare] = part.get(bare, 0) + coefficient * square ** (power // 2)
        return tuple(self.field.ring.from_dict({m: c for m, c in p.items() if c}) for p in parts)

    def complex_parts(self, x: FracElement) -> tuple[FracElement, FracElement]:
        """Return the real and the imaginary part of a reduced element."""
        index, square = self._relations[0]
        if not any(m[index] for m in x.numer):
            return x, self.zero
        real, imaginary = self._split(x.numer, index, square)
        return self.field(real) / self.field(x.denom), self.field(imaginary) / self.field(x.denom)

    def is_complex(self, x: FracElement) -> bool:
        """Whether a reduced element contains the imaginary unit."""
        index = self._relations[0][0]
        return any(m[index] for m in x.numer)

    def sign(self, x: FracElement) -> int:
        """Sign at the sample point; where that is a zero, the sign for a small positive kxy, then that of x / i."""
        for kxy_value, unit in ((0, 0), (Fraction(1, 10**9), 0), (Fraction(1, 10**9), 1)):
            values = list(self._sample)
            values[2], values[self._relations[0][0]] = Fraction(kxy_value), Fraction(unit)
            value = _evaluate(x.numer, values)
            if value:
                return 1 if (value > 0) == (_evaluate(x.denom, values) >= 0) else -1
        return 0

    def at_independence(self, x: FracElement) -> int:
        """Sign at the sample point, with kxy = 0."""
        top = _evaluate(x.numer, self._sample)
        return 0 if not top else (1 if (top > 0) == (_evaluate(x.denom, self._sample) >= 0) else -1)

    def involves(self, x: FracElement, generator: FracElement) -> bool:
        """Whether an element contains a generator."""
        index = self.field.gens.index(generator)
        return any(m[index] for m in x.numer) or any(m[index] for m in x.denom)


def _evaluate(polynomial: PolyElement, values: list[Fraction]) -> Fraction:
    total = Fraction(0)
    for monomial, coefficient in polynomial.items():
        term = Fraction(int(coefficient))
        for power, value in zip(monomial, values, strict=True):
            if power:
                term *= value**power
        total += term
    return total
