"""Identities of powers, products and sums; each rule returns its argument where it does not apply."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import expit, inverse_mills, ndtr, relu, step, truncated_normal_mean, truncated_normal_variance
from dekderive.simplification.logarithms import coefficient_and_exponent

__all__ = [
    "complements",
    "deltas",
    "exponentials",
    "gates",
    "power",
    "products",
    "signs",
    "tilted",
    "truncated_moments",
]


def power(e: sp.Expr) -> sp.Expr:
    """Apply step^n = step, sign^2 = 1 and 1 / (1 + e^x) = expit(-x)."""
    base, n = e.base, e.exp
    if isinstance(base, step) and n.is_positive:
        return base
    if isinstance(base, sp.sign) and n.is_Integer and n.is_even:
        return sp.S.One
    if base.is_Add and len(base.args) == 2 and n.is_positive:
        return _power_of_two_gates(e)
    if base.is_Add and len(base.args) == 2 and n.is_negative and sp.S.One in base.args:
        c, x = coefficient_and_exponent(base - 1)
        if c == 1 and x != 0:  # 1 / (1 + e^x)
            return expit(-x) ** (-n)
    return e


def _power_of_two_gates(e: sp.Expr) -> sp.Expr:
    """Apply (a relu(x)^p + b relu(-x)^q)^n = a^n relu(x)^(p n) + b^n relu(-x)^(q n) for positive a and b."""
    (c, first), (d, second) = (t.as_independent(relu, as_Add=False) for t in e.base.args)
    (one, p), (other, q) = first.as_base_exp(), second.as_base_exp()
    gates = isinstance(one, relu) and isinstance(other, relu) and one.args[0] + other.args[0] == 0
    if not (gates and c.is_positive and d.is_positive and p.is_positive and q.is_positive):
        return e
    return c**e.exp * one ** (p * e.exp) + d**e.exp * other ** (q * e.exp)


def gates(e: sp.Expr) -> sp.Expr:
    """Take x to be positive inside a product with step(x) or relu(x)**p: elsewhere the product is 0."""
    for factor in e.args:
        base, p = factor.as_base_exp()
        if not (isinstance(base, (relu, step)) and p.is_positive):
            continue
        x = base.args[0]
        others = sp.Mul(*(f for f in e.args if f != factor))
        if isinstance(base, step) and x in e.args:
            return relu(x) * sp.Mul(*(f for f in e.args if f not in (factor, x)))
        opened = others.xreplace(_positive(x, others))
        if opened == others:
            continue
        if isinstance(base, step):
            return _restrict(opened, others, x)
        return opened * factor
    return e


def _positive(x: sp.Expr, where: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    """Return what the functions of x and -x become where x is positive.

    The product is evaluated for negative x too, and 0 times NaN is NaN: under a root or a logarithm, x becomes |x|.
    """
    roots = any(not p.exp.is_Integer and p.has(x) for p in where.atoms(sp.Pow)) or where.has(sp.log)
    size = sp.Abs(x) if roots else x
    zero, one = sp.S.Zero, sp.S.One
    return {
        relu(x): size,
        step(x): one,
        sp.Abs(x): size,
        sp.sign(-x): -one,
        sp.sign(x): one,
        relu(-x): zero,
        step(-x): zero,
    }


def _restrict(opened: sp.Expr, others: sp.Expr, x: sp.Expr) -> sp.Expr:
    """Return opened * step(x), keeping relu(x)**p where `others` had it: it is the shorter way to say the same."""
    for factor in sp.Mul.make_args(others):
        base, p = factor.as_base_exp()
        if base == relu(x) and p.is_positive:
            rest = sp.Mul(*(f for f in sp.Mul.make_args(others) if f != factor))
            return factor * rest.xreplace(_positive(x, rest))
    return opened * step(x)


def signs(e: sp.Expr) -> sp.Expr:
    """Apply |x| sign(x) = x."""
    for factor in e.args:
        if isinstance(factor, sp.sign) and sp.Abs(factor.args[0]) in e.args:
            x = factor.args[0]
            return sp.Mul(x, *(f for f in e.args if f not in (factor, sp.Abs(x))))
    return e


def deltas(e: sp.Expr) -> sp.Expr:
    """Drop f(x) delta(a x + b) where f vanishes at the point."""
    for factor in e.args:
        if isinstance(factor, sp.DiracDelta) and len(factor.args) == 1 and len(factor.free_symbols) == 1:
            (symbol,) = factor.free_symbols
            if not factor.args[0].is_polynomial(symbol) or sp.degree(factor.args[0], symbol) != 1:
                continue
            (point,) = sp.solve(factor.args[0], symbol)
            rest = sp.Mul(*(f for f in e.args if f != factor))
            if rest.subs(symbol, point) == 0:
                return sp.S.Zero
    return e


def exponentials(e: sp.Expr) -> sp.Expr:
    """Collect e^a e^b in e^(a + b), where SymPy does so only for multiples of one exponent."""
    found = [f for f in e.args if isinstance(f, sp.exp)]
    if len(found) < 2:
        return e
    return sp.Mul(sp.exp(sp.Add(*(f.args[0] for f in found))), *(f for f in e.args if f not in found))


def products(e: sp.Expr) -> sp.Expr:
    """Apply cosh tanh = sinh, Phi inverse_mills = phi, and (-x)^p x^n = (-1)^n (-x)^(p + n): x^2 may underflow."""
    powers = dict(f.as_base_exp() for f in e.args if not isinstance(f, sp.exp))
    for base, n in powers.items():
        m = powers.get(-base, sp.S.Zero)
        if not n.is_Integer and n.is_Rational and m.is_Integer and m != 0:
            return e / (base**n * (-base) ** m) * (-1) ** m * base ** (n + m)
        x: sp.Expr = base.args[0] if base.args else sp.S.Zero
        if isinstance(base, sp.tanh) and n.is_Integer and n > 0 and powers.get(sp.cosh(x), sp.S.Zero).is_positive:
            return e / (sp.tanh(x) * sp.cosh(x)) * sp.sinh(x)
        if isinstance(base, inverse_mills) and powers.get(ndtr(x)) == 1 and n == 1:
            return e / (base * ndtr(x)) * sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    return e


def tilted(e: sp.Expr) -> sp.Expr:
    """Apply e^-x expit(x) = expit(-x) and phi / Phi = inverse_mills."""
    tilt = next((f for f in e.args if isinstance(f, sp.exp)), None)
    if tilt is None:
        return e
    exponent, terms = tilt.args[0], sp.Add.make_args(tilt.args[0])
    for base, n in (f.as_base_exp() for f in e.args if f != tilt):
        rest = [f for f in e.args if f not in (tilt, base**n)]
        if isinstance(base, expit) and n.is_Integer and n > 0:
            x = base.args[0]
            multiples = [sp.S.One] if exponent == -x else [m for m in (-t / x for t in terms) if m.is_Integer and m > 0]
            if multiples:
                k = sp.Min(multiples[0], n)
                return sp.Mul(sp.exp(sp.expand(exponent + k * x, deep=False)), base ** (n - k), expit(-x) ** k, *rest)
        if isinstance(base, ndtr) and n.is_Integer and n < 0:
            x = base.args[0]
            multiples = [m for m in (-2 * t / x**2 for t in terms) if m.is_Integer and m > 0]
            if multiples:
                k = sp.Min(multiples[0], -n)
                ratio = inverse_mills(x) * sp.sqrt(2 * sp.pi)
                return sp.Mul(sp.exp(exponent + k * x**2 / 2), base ** (n + k), ratio**k, *rest)
    return e


def complements(e: sp.Expr) -> sp.Expr:
    """Apply t - t f(x) = t f(-x) for a distribution function f, and tanh(x)^2 + 1/cosh(x)^2 = 1."""
    for term in e.args:
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, (expit, ndtr)):
                replacement = factor.func(-factor.args[0])
            elif factor.is_Pow and factor.exp == 2 and isinstance(factor.base, sp.tanh):
                replacement = sp.cosh(factor.base.args[0]) ** -2
            elif factor.is_Pow and factor.exp == -2 and isinstance(factor.base, sp.cosh):
                replacement = sp.tanh(factor.base.args[0]) ** 2
            else:
                continue
            partner = -term / factor
            if partner in e.args:
                return sp.Add(*(t for t in e.args if t not in (term, partner)), partner * replacement)
    return e


def truncated_moments(e: sp.Expr) -> sp.Expr:
    """Write c x + c phi(x)/Phi(x), and c - c m(x) truncated_normal_mean(x), as the atoms they are."""
    for term in e.args:
        for factor in sp.Mul.make_args(term):
            if not isinstance(factor, inverse_mills):
                continue
            (x,) = factor.args
            whole = truncated_normal_mean(x)
            for partner, total in ((term / factor * x, term / factor * whole), (-term / factor / whole, None)):
                if partner in e.args and (total is not None or whole in sp.Mul.make_args(term)):
                    rest = sp.Add(*(t for t in e.args if t not in (term, partner)))
                    return rest + (total if total is not None else partner * truncated_normal_variance(x))
    return e
