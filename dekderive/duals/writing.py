r"""Write a normal form as an expression in which nothing cancels for extreme variances.

* Determinants (kxx + s)(kyy + t) - kxy^2 become ``rootgap`` and ``noisy_rootgap``, arcsines likewise, and two gates
  with knots ``binormal``.
* Polynomials are rewritten with G = kxx kyy - kxy^2 (``rootgap(kxx, kyy, kxy)**2``) where that leaves only terms of one
  sign, and N / sqrt(D) as M sqrt(D) + R / sqrt(D) where N = M D + R has fewer terms.
* exp(p) Phi(x) is one function, and exponentials that differ in the sign of kxy are a hyperbolic sine and cosine;
  those of E[sin sin] and E[cos cos] are damped ones, with products of gaps for x sin(x).
* Conjugate pairs are real functions (`real_parts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy as sp
from sympy.polys.fields import FracElement
from sympy.polys.rings import PolyElement

from dekderive.atoms import (
    damped_cosh,
    damped_gap_cosh,
    damped_gap_sinh,
    damped_sinh,
    dawson,
    exp_binormal,
    exp_ndtr,
    ndtr,
    noisy_rootgap,
    rootgap,
)
from dekderive.duals.centring import centred
from dekderive.duals.closed_form import Wave
from dekderive.duals.normal_form import Function, Key, NormalForms, Terms
from dekderive.duals.pairs import (
    arcsine_of,
    binormal_of,
    conditional_exponent,
    determinant,
    gap_product,
    joint_exponent,
    margin_of,
)
from dekderive.duals.real_parts import Item, real_items
from dekderive.duals.scalars import Radical
from dekderive.symbols import kxx, kxy, kyy

__all__ = ["Writer"]


_DAMPED = {sp.cosh: damped_cosh, sp.sinh: damped_sinh} | {k: k for k in (damped_gap_cosh, damped_gap_sinh)}
_SCALED = ("probit", "binormal")  # functions that are as small as an exponential beside them is large


class Writer:
    """Writes normal forms over one field.

    Parameters
    ----------
    forms : NormalForms
    waves : iterable of Wave
        Pairs of exponentials that are damped hyperbolic functions.
    guards : sequence of sympy.Expr
        Leading minors that must be positive: the root of a determinant is split off them, so that it is NaN outside
        the domain of integrability also where both minors are negative and the determinant is positive.

    Examples
    --------
    >>> from dekderive.duals.scalars import Scalars
    >>> forms = NormalForms(Scalars())
    >>> s = forms.s
    >>> Writer(forms)(forms.radical(s.square_root(s.a * s.b - s.c**2)))
    rootgap(kxx, kyy, kxy)
    """

    def __init__(self, forms: NormalForms, waves: Iterable[Wave] = (), guards: Sequence[sp.Expr] = ()) -> None:
        self.forms, self.s = forms, forms.s
        self._waves = tuple(waves)
        self._guards = tuple(self.s(g).numer for g in guards)
        self._stable: dict[PolyElement, sp.Expr] = {}

    def __call__(self, terms: Terms) -> sp.Expr:
        """Return the expression.

        Raises
        ------
        NoClosedForm
            If a part is complex and has no real name here.
        """
        items = self._hyperbolic(real_items(self.forms, terms))
        return centred(sp.Add(*(self._item(item) for item in sorted(items, key=lambda i: str(i.key)))))

    # exponentials in pairs

    def _hyperbolic(self, items: list[Item]) -> list[Item]:
        """A exp(e + o) + B exp(e - o), o odd in kxy  ->  (A + B) exp(e) cosh(o) + (A - B) exp(e) sinh(o).

        Where kxy is in a denominator, o is as large as e, and a hyperbolic function would overflow; unless the pair
        is a registered wave, such exponentials stay as they are.
        """
        exponentials = {i.key: i for i in items if i.kind is None and i.key.exponent and not i.key.functions}
        done: set[Key] = set()
        result = [i for i in items if i.key not in exponentials or i.kind is not None]
        for key, item in exponentials.items():
            if key in done:
                continue
            back = self.forms.compose(key.exponent, self.s.c, -self.s.c)
            even, odd = (key.exponent + back) / 2, (key.exponent - back) / 2
            twin = exponentials.get(key._replace(exponent=back))
            bounded = self._wave(even, odd) is not None or not key.exponent.denom.degree(self.s.c.numer)
            if not odd or twin is None or not bounded:
                result.append(item)
                continue
            done |= {key, twin.key}
            bare, total, difference = key._replace(exponent=even), item.factor + twin.factor, item.factor - twin.factor
            if self.s.sign(odd) < 0:
                odd, difference = -odd, -difference
            pairs = self._gaps(self._wave(even, odd), odd, total, difference)
            result += [Item(factor, bare, kind, odd) for factor, kind in pairs if factor]
        return result

    def _gaps(
        self, wave: Wave | None, cross: FracElement, even: FracElement, odd: FracElement
    ) -> list[tuple[FracElement, type]]:
        """Factors of cosh and sinh, and of the products of gaps in which they would cancel at large variances."""
        pairs: list[tuple[FracElement, type]] = [(even, sp.cosh), (odd, sp.sinh)]
        if wave is not None:
            a, b, c = moments = (wave.variance, wave.other, cross)
            square, mixed = a * b + c**2, -c * (a + b)
            for kind, first in ((damped_gap_cosh, 0), (damped_gap_sinh, 1)):
                scale = gap_product(self.s, moments, pairs[first][0], pairs[1 - first][0])
                for i, part in ((first, square), (1 - first, mixed)):
                    pairs[i] = (self.s.reduce(pairs[i][0] - scale * part), pairs[i][1])
                pairs.append((scale, kind))
        return pairs

    def _wave(self, even: FracElement, odd: FracElement) -> Wave | None:
        for wave in self._waves:
            if wave.cross in (odd, -odd) and self.s.reduce(-(wave.variance + wave.other) / 2) == even:
                return wave
        return None

    # one term

    def _item(self, item: Item) -> sp.Expr:
        functions = sorted(item.key.functions, key=str)
        outer = [self._function(f) ** n for f, n in functions if f.name not in _SCALED]
        scaled = [f for f, n in functions if f.name in _SCALED for _ in range(n)]
        exponent = item.key.exponent
        if item.kind is not None and item.kind in _DAMPED:
            outer.append(self._damped(item.kind, exponent, item.argument))
            exponent = self.s.zero
        elif item.kind is not None and item.point is not None:
            outer.append(item.kind(*self._erfcx(item.argument, item.point)))
        elif item.kind is not None:
            outer.append(item.kind(self.exponent(item.argument)))
        if scaled and exponent:
            function = self._function(scaled.pop())
            kind = exp_ndtr if isinstance(function, ndtr) else exp_binormal
            outer.append(kind(self.exponent(exponent), *function.args))
        elif exponent:
            outer.append(sp.exp(self.exponent(exponent)))
        outer += [self._function(f) for f in scaled]
        return self.radical(Radical(item.factor, item.key.roots)) * sp.Mul(*outer)

    def _damped(self, kind: type, exponent: FracElement, argument: FracElement) -> sp.Expr:
        wave = self._wave(exponent, argument)
        if wave is None:
            return sp.exp(self.exponent(exponent)) * kind(self.exponent(argument))
        return _DAMPED[kind](*(self.exponent(x) for x in (wave.variance, wave.other, argument)))

    def _erfcx(self, exponent: FracElement, point: Radical) -> tuple[sp.Expr, ...]:
        level, phase = (self.exponent(x) if x else sp.S.Zero for x in self.s.complex_parts(exponent))
        x, y = (self.radical(Radical(part, point.roots)) for part in self.s.complex_parts(point.factor))
        return level, phase, -x / sp.sqrt(2), -y / sp.sqrt(2)

    def _function(self, function: Function) -> sp.Expr:
        if function.name == "opaque":
            return function.arguments[1]
        if function.name == "arcsine":
            return arcsine_of(self, *function.arguments)
        if function.name == "binormal":
            return binormal_of(self, *function.arguments)
        margin = margin_of(self.s, function.arguments[0])
        x = self.radical(function.arguments[0]) if margin is None else margin
        return ndtr(x) if function.name == "probit" else dawson(x / sp.sqrt(2))

    # rational functions and radicals

    def exponent(self, x: FracElement) -> sp.Expr:
        """A rational function, multiplied out if its denominator is a number."""
        if x.denom.is_ground:
            return self.s.expr(x)
        known = joint_exponent(self.s, x) or conditional_exponent(self.s, x)
        return self.radical(Radical(x, frozenset())) if known is None else known

    def radical(self, x: Radical) -> sp.Expr:
        """A rational function times square roots, in factored form and without cancellation."""
        if not x.factor:
            return sp.S.Zero
        top_content, top = self.s.factors(x.factor.numer)
        bottom_content, bottom = self.s.factors(x.factor.denom)
        powers: dict[PolyElement, sp.Rational] = {}
        for factors, sign in ((top, 1), (bottom, -1)):
            for base, multiplicity in factors:
                powers[base] = powers.get(base, sp.S.Zero) + sign * multiplicity
        for base in x.roots:
            powers[base] = powers.get(base, sp.S.Zero) + sp.S.Half
        constant = sp.Rational(top_content, bottom_content)
        for base, power in powers.items():
            if power == -sp.S.Half and determinant(self.s, base) is not None:
                divided = self._divided(base, powers, constant)
                if divided is not None:
                    return divided
        return constant * sp.Mul(*(self._power(base, power) for base, power in powers.items()))

    def _divided(
        self, root: PolyElement, powers: dict[PolyElement, sp.Rational], constant: sp.Rational
    ) -> sp.Expr | None:
        """N / sqrt(D) = M sqrt(D) + R / sqrt(D),  N = M D + R with R of order kxy^2, where that is shorter."""
        numerator = self.s.field.ring.one
        rest = sp.S.One
        for base, power in powers.items():
            if power > 0 and power.is_Integer and not base.is_ground:
                numerator = numerator * base ** int(power)
            elif base != root:
                rest = rest * self._power(base, power)
        f = self.s.field
        whole = self.forms.compose(f(numerator), self.s.c, self.s.zero) / self.forms.compose(
            f(root), self.s.c, self.s.zero
        )
        if not whole or not whole.denom.is_ground:
            return None
        remainder = f(numerator) - whole * f(root)
        if _length(remainder.numer) >= _length(numerator):
            return None
        first = self.radical(Radical(whole, frozenset())) * self._power(root, sp.S.Half)
        second = self.radical(Radical(remainder, frozenset())) * self._power(root, -sp.S.Half)
        return constant * rest * first + constant * rest * second

    def _power(self, base: PolyElement, power: sp.Rational) -> sp.Expr:
        found = determinant(self.s, base)
        if found is not None and not (power.is_Integer and (found[1] == 0) != (found[2] == 0)):
            scale, left, right = found
            expression = sp.sqrt(scale) * noisy_rootgap(kxx, kyy, kxy, left, right)
            return expression ** (2 * power)
        if not power.is_Integer:
            for guard in self._guards:
                if base != guard and self._is_determinant_over(base, guard):
                    minor = self.polynomial(guard)
                    return (sp.sqrt(minor) * sp.sqrt(self.polynomial(base) / minor)) ** (2 * power)
        return self.polynomial(base) ** power

    def _is_determinant_over(self, base: PolyElement, guard: PolyElement) -> bool:
        """Whether the determinant at kxy = 0 has the minor as a factor."""
        at_zero = self.forms.compose(self.s.field(base), self.s.c, self.s.zero)
        return bool(base.degree(self.s.c.numer)) and (at_zero / self.s.field(guard)).denom.is_ground

    def polynomial(self, p: PolyElement) -> sp.Expr:
        """A polynomial with as few changes of sign as the substitutions for kxx kyy and kxy^2 allow."""
        known = self._stable.get(p)
        if known is None:
            known = self._stable[p] = self._best(p)
        return known

    def _best(self, p: PolyElement) -> sp.Expr:
        candidates = [(p, False)]
        # The generator pi_ never occurs with kxx, kyy and kxy in one factor: it can carry the name of G meanwhile.
        if any(m[2] >= 2 for m in p):
            candidates += [(self._with_gap(p, square), True) for square in (True, False)]
        best = min(candidates, key=lambda c: (self._signs(c[0]), len(c[0])))
        expression = self.s.expr(best[0])
        if not best[1]:
            return expression
        gap = sp.Symbol("gap_", positive=True)
        return (
            best[0]
            .as_expr()
            .xreplace({self.s.symbols[self._pi]: gap})
            .xreplace({gap: rootgap(kxx, kyy, kxy) ** 2} | self.s._meaning)
        )

    @property
    def _pi(self) -> int:
        return self.s.field.gens.index(self.s.pi)

    def _signs(self, p: PolyElement) -> int:
        """Number of terms whose sign is that of the minority (odd powers of kxy have no sign)."""
        signs = [self._term_sign(m, c) for m, c in p.items()]
        return min(sum(s > 0 for s in signs), sum(s < 0 for s in signs)) + sum(s == 0 for s in signs)

    def _term_sign(self, monomial: tuple[int, ...], coefficient: int) -> int:
        sign = 1 if coefficient > 0 else -1
        for power, symbol in zip(monomial, self.s.symbols, strict=True):
            if power % 2 and not symbol.is_nonnegative:
                sign = -sign if symbol.is_nonpositive else 0
        return sign

    def _with_gap(self, p: PolyElement, square: bool) -> PolyElement:
        """kxy^2 -> kxx kyy - G, or kxx kyy -> G + kxy^2."""
        ring, pi = self.s.field.ring, self._pi
        a, b, c = ring.gens[:3]
        gap = ring.gens[pi]
        total = ring.zero
        for monomial, coefficient in p.terms():
            if monomial[pi]:
                return p
            i, j, k = monomial[:3]
            n = k // 2 if square else min(i, j)
            left = (i, j, k - 2 * n) if square else (i - n, j - n, k)
            term = ring.from_dict({(*left, *monomial[3:]): coefficient})
            total = total + term * ((a * b - gap) if square else (gap + c**2)) ** n if n else total + term
        return total


def _length(p: PolyElement) -> int:
    """Number of terms, and one more if their signs differ."""
    return len(p) + int(len({c > 0 for c in p.values()}) == 2)
