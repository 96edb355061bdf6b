"""A normal form for Gaussian expectations: decides identities, and prints without losing digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from dekderive.atoms import arcsine, rootgap
from dekderive.symbols import kxx, kxy, kyy

__all__ = ["expand", "is_identically_zero", "one_exponential", "square_root", "tidy"]


def square_root(expression: sp.Expr) -> sp.Expr:
    """Return sqrt of a rational function, with every factor P Q - C^2 written as rootgap(P, Q, C).

    Each factor is a variance or a determinant, hence positive where the expectation is finite, so the square root of
    the product is the product of the square roots.
    """
    numerator, denominator = sp.fraction(sp.factor(sp.together(expression)))
    return _root_of_factors(numerator, _root_of_one) / _root_of_factors(denominator, _root_of_one)


def _root_of_factors(polynomial: sp.Expr, root: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
    constant, factors = sp.factor_list(polynomial)
    signs, result = constant, sp.S.One
    for base, exponent in factors:
        if base.subs({kxy: 0, kxx: sp.Rational(1, 10**6), kyy: sp.Rational(1, 10**6)}).is_negative:
            base, signs = -base, signs * (-1) ** exponent
        result *= base ** (exponent // 2)
        if exponent % 2:
            result *= root(base)
    return sp.sqrt(signs) * result


def _root_of_one(base: sp.Expr) -> sp.Expr:
    if base.has(kxy) and base.is_polynomial(kxy):
        poly = sp.Poly(base, kxy)
        square, rest = -poly.coeff_monomial(kxy**2), poly.coeff_monomial(1)
        if poly.degree() == 2 and poly.coeff_monomial(kxy) == 0 and not square.has(kxx, kyy):
            left, right = _split(rest)
            if left is not None and right is not None:
                return rootgap(left, right, sp.sqrt(square) * kxy)
    return sp.sqrt(base)


def _split(product: sp.Expr) -> tuple[sp.Expr | None, sp.Expr | None]:
    """Write a polynomial as P(kxx) Q(kyy), or return (None, None)."""
    constant, factors = sp.factor_list(product)
    left, right = constant, sp.S.One
    for base, exponent in factors:
        if base.has(kxx) and base.has(kyy):
            return None, None
        if base.has(kyy):
            right *= base**exponent
        else:
            left *= base**exponent
    return left, right


@dataclass(frozen=True, slots=True)
class _NormalForm:
    """sum_m  monomial m in the generators * coefficient / denominator,  with root^2 = radicand already applied."""

    terms: dict[sp.Expr, sp.Expr]
    denominator: sp.Expr
    squares: dict[sp.Symbol, sp.Expr]
    meaning: dict[sp.Symbol, sp.Expr]


def _normal_form(expression: sp.Expr) -> _NormalForm:
    """Each exp, arcsine, ... and each square root becomes a generator; the rest is a rational function.

    The generators are treated as algebraically independent but for root^2 = radicand.  Hence a normal form without
    terms proves that the expression is zero; a non-empty one proves nothing.
    """
    generators, squares = _generators(expression)
    rational = expression.xreplace(generators).replace(
        lambda e: e.is_Pow and e.exp.is_Rational and e.exp.q == 2, lambda e: _half_power(e, generators)
    )
    numerator, denominator = sp.fraction(sp.together(rational))
    symbols = list(generators.values()) or [sp.Symbol("unused_")]
    total: dict[sp.Expr, sp.Expr] = {}
    for powers, coefficient in sp.Poly(sp.expand(numerator), *symbols).terms():
        monomial = sp.S.One
        for symbol, power in zip(symbols, powers, strict=True):
            square = squares.get(symbol)
            monomial *= symbol**power if square is None else symbol ** (power % 2)
            coefficient *= sp.S.One if square is None else square ** (power // 2)
        total[monomial] = sp.expand(total.get(monomial, sp.S.Zero) + coefficient)
    terms = {m: c for m, c in total.items() if c != 0}
    return _NormalForm(terms, denominator, squares, {s: e for e, s in generators.items()})


def is_identically_zero(expression: sp.Expr) -> bool:
    """Return True if the normal form proves that the expression vanishes; False means "not proved", not "non-zero".

    Examples
    --------
    >>> from dekderive.atoms import arcsine, rootgap
    >>> is_identically_zero(rootgap(kxx, kyy, kxy) ** 2 - kxx * kyy + kxy**2)
    True
    """
    exponential = expression.rewrite([sp.sinh, sp.cosh], sp.exp)
    terms = [one_exponential(t) for t in sp.Add.make_args(expand(exponential))]
    return not _normal_form(_irreducible_roots(sp.Add(*terms))).terms


def tidy(expression: sp.Expr) -> sp.Expr:
    """Write as a sum of transcendental parts with factored rational coefficients: what is shown and emitted.

    N / rootgap becomes M rootgap + R / rootgap with N = M (P Q - C^2) + R wherever that is shorter: then the square
    root cancels, and not the digits.
    """
    terms = [one_exponential(t) for t in sp.Add.make_args(expand(expression))]
    expression = _hyperbolic(sp.Add(*terms))
    form = _normal_form(expression)
    parts = [_divided(c, m, form) for m, c in form.terms.items()]
    return sp.Add(*parts).xreplace(form.meaning)


def _irreducible_roots(expression: sp.Expr) -> sp.Expr:
    """rootgap(P, Q, C) and sqrt(P Q)  ->  products of roots of irreducible polynomials, each with one name."""

    def plain(radicand: sp.Expr) -> sp.Expr:
        numerator, denominator = sp.fraction(sp.factor(sp.together(radicand)))
        return _root_of_factors(numerator, sp.sqrt) / _root_of_factors(denominator, sp.sqrt)

    expression = expression.replace(rootgap, lambda a, b, c: plain(sp.expand(a * b - c**2)))
    # asin(c / sqrt(a b)) does not tell a from b.
    expression = expression.replace(arcsine, lambda a, b, c: arcsine(*sorted((a, b), key=sp.default_sort_key), c))
    return expression.replace(
        lambda e: (
            e.is_Pow and e.exp.is_Rational and e.exp.q == 2 and e.base.has(kxx, kyy, kxy) and not e.base.is_Symbol
        ),
        lambda e: plain(e.base) ** (2 * e.exp),
    )


def _generators(expression: sp.Expr) -> tuple[dict[sp.Expr, sp.Symbol], dict[sp.Symbol, sp.Expr]]:
    """Symbols that stand for the transcendental parts, and the squares of those that are square roots."""
    functions = sorted((e for e in expression.atoms(sp.Function) if e.has(kxx, kyy, kxy)), key=sp.default_sort_key)
    outermost = [e for e in functions if not any(e != other and other.has(e) for other in functions)]
    rest = expression.xreplace({e: sp.S.One for e in outermost})
    bases = {e.base for e in rest.atoms(sp.Pow) if e.exp.is_Rational and e.exp.q == 2 and e.base.has(kxx, kyy, kxy)}
    generators = {e: sp.Symbol(f"g{i}_", positive=True) for i, e in enumerate(outermost)}
    squares = {
        generators[e]: sp.expand(e.args[0] * e.args[1] - e.args[2] ** 2) for e in outermost if isinstance(e, rootgap)
    }
    for base in sorted(bases, key=sp.default_sort_key):
        symbol = generators[sp.sqrt(base)] = sp.Symbol(f"g{len(generators)}_", positive=True)
        squares[symbol] = base
    return generators, squares


def _half_power(power: sp.Expr, generators: dict[sp.Expr, sp.Symbol]) -> sp.Expr:
    symbol = generators.get(sp.sqrt(power.base))
    if symbol is None:
        return power
    whole = (power.exp - sp.S.Half) if power.exp > 0 else (power.exp + sp.S.Half)
    return power.base**whole * symbol ** (1 if power.exp > 0 else -1)


def _divided(numerator: sp.Expr, monomial: sp.Expr, form: _NormalForm) -> sp.Expr:
    """Monomial * numerator / denominator, with whole multiples of a radicand divided out of the numerator."""
    quotient = sp.factor(numerator / form.denominator)
    for root, square in form.squares.items():
        if not isinstance(form.meaning[root], rootgap) or (quotient * monomial).as_powers_dict().get(root) != -1:
            continue
        top, bottom = sp.fraction(quotient * root)
        # Take the multiple that leaves a rest of order kxy^2, which cannot cancel it: N(0) = M (P Q).
        whole = sp.cancel(top.subs(kxy, 0) / square.subs(kxy, 0))
        rest = sp.expand(top - whole * square)
        if whole.is_polynomial(kxx, kyy) and len(sp.Add.make_args(rest)) < len(sp.Add.make_args(sp.expand(top))):
            return monomial * (sp.factor(whole / bottom) * root + sp.factor(rest / bottom) / root)
    return monomial * quotient


def expand(expression: sp.Expr) -> sp.Expr:
    """Expand products over sums, but leave denominators and exponents whole (``sp.expand`` multiplies them out)."""
    whole = [e for e in expression.atoms(sp.Pow, sp.exp) if isinstance(e, sp.exp) or not e.exp.is_positive]
    outermost = sorted((e for e in whole if not any(e != o and o.has(e) for o in whole)), key=sp.default_sort_key)
    names = {e: sp.Symbol(f"w{i}_", positive=True) for i, e in enumerate(outermost)}
    return sp.expand(expression.xreplace(names)).xreplace({s: e for e, s in names.items()})


def one_exponential(term: sp.Expr) -> sp.Expr:
    """exp(p) exp(q) f  ->  exp(p + q) f, with the exponent in partial fractions (SymPy combines only simple ones)."""
    factors = sp.Mul.make_args(term)
    exponents = [f.args[0] for f in factors if isinstance(f, sp.exp)]
    rest = sp.Mul(*(f for f in factors if not isinstance(f, sp.exp)))
    return rest * sp.exp(_exponent(sp.Add(*exponents))) if exponents else term


def _exponent(exponent: sp.Expr) -> sp.Expr:
    """Partial fractions of an exponent, so that (a b + a - c^2)/(2 b + 2) shows its a/2."""
    exponent = sp.cancel(exponent)
    for symbol in (kyy, kxx):
        if sp.denom(exponent).has(symbol):
            exponent = sp.apart(exponent, symbol)
    return sp.expand(exponent) if sp.denom(exponent).is_number else exponent


def _hyperbolic(expression: sp.Expr) -> sp.Expr:
    """A exp(p + c) -+ A exp(p - c)  ->  2 A exp(p) sinh(c), cosh(c): no cancellation for small c."""
    terms, done = list(sp.Add.make_args(expression)), []
    for term in terms[:]:
        exps = [e for e in term.atoms(sp.exp) if e.has(kxy)]
        if term not in terms or len(exps) != 1:
            continue
        exponent = exps[0].args[0]
        even = sp.expand((exponent + exponent.subs(kxy, -kxy)) / 2)
        odd = sp.expand(exponent - even)
        rest = term.xreplace({exps[0]: sp.S.One})
        for kind, sign in ((sp.cosh, 1), (sp.sinh, -1)):
            twin = sign * rest.subs(kxy, -kxy) * sp.exp(sp.expand(exponent.subs(kxy, -kxy)))
            if odd != 0 and twin in terms and not rest.has(kxy):
                # twin = sign * A exp(p - c), so the pair is A exp(p) (exp(c) + sign exp(-c)).
                done.append(2 * rest * sp.exp(even) * kind(odd))
                terms.remove(term)
                terms.remove(twin)
                break
    return sp.Add(*terms, *done)
