"""Rewriting of formulas in atoms, by identities that hold for every real argument (or all but finitely many).

``sympy.simplify`` is neither fast nor deterministic enough to define what a kernel computes, and knows no atoms.
`tidy` applies a short list of named identities instead.  `stabilise` then exchanges forms that are equal on paper but
lose digits; it comes last, because the forms that are good for computing hide cancellations from further algebra.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import sympy as sp

from dekderive.atoms import (
    expit,
    inverse_mills,
    log_cosh,
    log_i0,
    log_ndtr,
    log_sinhc,
    ndtr,
    relu,
    softplus,
    step,
    truncated_normal_mean,
    truncated_normal_variance,
)
from dekderive.implicit import inverse_log_partition

__all__ = ["stabilise", "tidy"]


@lru_cache(maxsize=4096)
def tidy(expr: sp.Expr) -> sp.Expr:
    r"""Return an equal expression in as few atoms as the identities below find.

    Among them: :math:`e^{-\mathrm{softplus}(x)} = \mathrm{expit}(-x)`, :math:`\log(1 + e^x) = \mathrm{softplus}(x)`,
    :math:`1 - \Phi(x) = \Phi(-x)`, :math:`1 - \tanh^2 = 1/\cosh^2`, and, almost everywhere,
    :math:`f(|x|)\, \mathrm{step}(x) = f(x)\, \mathrm{step}(x)`.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> tidy(relu(z) * step(z)), tidy(sp.exp(-softplus(-z))), tidy(1 - sp.tanh(z) ** 2)
    (relu(z), expit(z), cosh(z)**(-2))
    """
    plain = _rewrite(expr)
    expanded = _rewrite(sp.expand(plain, power_exp=False, power_base=False, log=False))
    return min((plain, expanded), key=lambda e: (sp.count_ops(e), e is expanded))


@lru_cache(maxsize=4096)
def _rewrite(expr: sp.Expr) -> sp.Expr:
    if not expr.args or not isinstance(expr, sp.Expr):
        return expr
    if isinstance(expr, inverse_log_partition):
        return expr.func(*expr.args[:3], _rewrite(expr.level))
    rebuilt = expr.func(*(_rewrite(a) for a in expr.args))
    for rule in _RULES.get(rebuilt.func, ()):
        changed = rule(rebuilt)
        if changed != rebuilt:
            return _rewrite(changed)
    return rebuilt


# ---- exponentials and logarithms -------------------------------------------------------------------------------------

_EXPONENTIALS: dict[type, Callable[[sp.Expr, sp.Expr], sp.Expr]] = {
    log_cosh: lambda x, c: sp.cosh(x) ** c,
    log_sinhc: lambda x, c: (sp.sinh(x) / x) ** c,
    log_ndtr: lambda x, c: ndtr(x) ** c,
    log_i0: lambda x, c: sp.besseli(0, x) ** c,
}
_LOGARITHMS: dict[type, Callable[[sp.Expr], sp.Expr]] = {
    expit: lambda x: -softplus(-x),
    ndtr: log_ndtr,
    sp.cosh: log_cosh,
}


def _exp_of_logs(e: sp.Expr) -> sp.Expr:
    kept, factors = [], []
    for term in sp.Add.make_args(e.args[0]):
        c, f = term.as_coeff_Mul()
        if isinstance(f, softplus) and c.is_Integer:
            x = f.args[0]
            factors.append((1 + sp.exp(x)) ** c if c > 0 else expit(-x) ** (-c))
        elif f.func in _EXPONENTIALS:
            factors.append(_EXPONENTIALS[f.func](f.args[0], c))
        else:
            kept.append(term)
    return sp.Mul(sp.exp(sp.Add(*kept)), *factors) if factors else e


def _log_of_product(e: sp.Expr) -> sp.Expr:
    terms, rest = [], []
    for factor in sp.Mul.make_args(e.args[0]):
        base, power = factor.as_base_exp()
        if base.func in _LOGARITHMS:
            terms.append(power * _LOGARITHMS[base.func](base.args[0]))
        else:
            rest.append(factor)
    return sp.Add(sp.log(sp.Mul(*rest)), *terms) if terms else e


def _log_of_two_exponentials(e: sp.Expr) -> sp.Expr:
    """Apply log(c e^a + c e^b) = log c + a + softplus(b - a), and log_cosh where a + b = 0."""
    argument = sp.expand(e.args[0], deep=False)
    if not (argument.is_Add and len(argument.args) == 2):
        return e
    (c, a), (d, b) = (_coefficient_and_exponent(t) for t in sorted(argument.args, key=sp.default_sort_key))
    if c != d or not c.is_positive or a == b:
        return e
    if a + b == 0:
        return sp.log(2 * c) + log_cosh(a)
    low, high = (a, b) if a.is_number else (b, a) if b.is_number else (a, b)
    return sp.log(c) + low + softplus(high - low)


def _coefficient_and_exponent(term: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    exponents = [f for f in sp.Mul.make_args(term) if isinstance(f, sp.exp)]
    exponent = sp.Add(*(f.args[0] for f in exponents))
    return sp.Mul(*(f for f in sp.Mul.make_args(term) if f not in exponents)), exponent


def _probit_log_odds(x: sp.Expr) -> sp.Expr | None:
    """Return y if x = log(Phi(y) / Phi(-y))."""
    for term in sp.Add.make_args(x):
        if isinstance(term, log_ndtr) and x == term - log_ndtr(-term.args[0]):
            return term.args[0]
    return None


def _softplus_of_log(e: sp.Expr) -> sp.Expr:
    (x,) = e.args
    if isinstance(x, sp.log):
        return sp.log(sp.expand(1 + x.args[0]))
    y = _probit_log_odds(x)
    return e if y is None else -log_ndtr(-y)


def _expit_of_log(e: sp.Expr) -> sp.Expr:
    (x,) = e.args
    if isinstance(x, sp.log):
        odds = x.args[0]
        return sp.expand(odds / sp.expand(1 + odds))
    y = _probit_log_odds(x)
    return e if y is None else ndtr(y)


def _hyperbolic_of_acosh(e: sp.Expr) -> sp.Expr:
    """Apply log_cosh(acosh(x)) = log(x); SymPy knows the other compositions."""
    (x,) = e.args
    return sp.log(x.args[0]) if isinstance(x, sp.acosh) else e


# ---- powers, products and sums ---------------------------------------------------------------------------------------


def _power(e: sp.Expr) -> sp.Expr:
    base, n = e.base, e.exp
    if isinstance(base, step) and n.is_positive:
        return base
    if isinstance(base, sp.sign) and n.is_Integer and n.is_even:
        return sp.S.One
    if base.is_Add and len(base.args) == 2 and n.is_negative and sp.S.One in base.args:
        c, x = _coefficient_and_exponent(base - 1)
        if c == 1 and x != 0:  # 1 / (1 + e^x)
            return expit(-x) ** (-n)
    return e


def _gates(e: sp.Expr) -> sp.Expr:
    """Inside a product with step(x) or relu(x)**p, x may be taken to be positive (almost everywhere)."""
    for factor in e.args:
        base, p = factor.as_base_exp()
        if not (isinstance(base, (relu, step)) and p.is_positive):
            continue
        x = base.args[0]
        others = sp.Mul(*(f for f in e.args if f != factor))
        if isinstance(base, step) and x in e.args:
            return relu(x) * sp.Mul(*(f for f in e.args if f not in (factor, x)))
        opened = others.xreplace(_positive(x))
        if opened == others:
            continue
        if isinstance(base, step):
            return _restrict(opened, others, x)
        return opened * factor
    return e


def _positive(x: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    """What the functions of x and -x become where x is positive."""
    return {relu(x): x, step(x): sp.S.One, sp.Abs(x): x, sp.sign(x): sp.S.One, relu(-x): sp.S.Zero, step(-x): sp.S.Zero}


def _restrict(opened: sp.Expr, others: sp.Expr, x: sp.Expr) -> sp.Expr:
    """Return opened * step(x), keeping relu(x)**p where `others` had it: it is the shorter way to say the same."""
    for factor in sp.Mul.make_args(others):
        base, p = factor.as_base_exp()
        if base == relu(x) and p.is_positive:
            rest = sp.Mul(*(f for f in sp.Mul.make_args(others) if f != factor))
            return factor * rest.xreplace(_positive(x))
    return opened * step(x)


def _signs(e: sp.Expr) -> sp.Expr:
    """Apply |x| sign(x) = x."""
    for factor in e.args:
        if isinstance(factor, sp.sign) and sp.Abs(factor.args[0]) in e.args:
            x = factor.args[0]
            return sp.Mul(x, *(f for f in e.args if f not in (factor, sp.Abs(x))))
    return e


def _deltas(e: sp.Expr) -> sp.Expr:
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


def _exponentials(e: sp.Expr) -> sp.Expr:
    """Collect e^a e^b in e^(a + b), where SymPy does so only for multiples of one exponent."""
    found = [f for f in e.args if isinstance(f, sp.exp)]
    if len(found) < 2:
        return e
    return sp.Mul(sp.exp(sp.Add(*(f.args[0] for f in found))), *(f for f in e.args if f not in found))


def _products(e: sp.Expr) -> sp.Expr:
    """Apply cosh tanh = sinh and Phi inverse_mills = phi."""
    powers = dict(f.as_base_exp() for f in e.args if not isinstance(f, sp.exp))
    for base, n in powers.items():
        x: sp.Expr = base.args[0] if base.args else sp.S.Zero
        if isinstance(base, sp.tanh) and n.is_Integer and n > 0 and powers.get(sp.cosh(x), sp.S.Zero).is_positive:
            return e / (sp.tanh(x) * sp.cosh(x)) * sp.sinh(x)
        if isinstance(base, inverse_mills) and powers.get(ndtr(x)) == 1 and n == 1:
            return e / (base * ndtr(x)) * sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    return e


def _tilted(e: sp.Expr) -> sp.Expr:
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
        if isinstance(base, ndtr) and n.is_Integer and n < 0 and -(base.args[0] ** 2) / 2 in terms:
            x = base.args[0]
            ratio = inverse_mills(x) * sp.sqrt(2 * sp.pi)
            return sp.Mul(sp.exp(exponent + x**2 / 2), base ** (n + 1), ratio, *rest)
    return e


def _complements(e: sp.Expr) -> sp.Expr:
    """Apply t - t f(x) = t f(-x) for a distribution function f, and t - t tanh(x)^2 = t / cosh(x)^2."""
    for term in e.args:
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, (expit, ndtr)):
                replacement = factor.func(-factor.args[0])
            elif factor.is_Pow and factor.exp == 2 and isinstance(factor.base, sp.tanh):
                replacement = sp.cosh(factor.base.args[0]) ** -2
            else:
                continue
            partner = -term / factor
            if partner in e.args:
                return sp.Add(*(t for t in e.args if t not in (term, partner)), partner * replacement)
    return e


def _truncated_moments(e: sp.Expr) -> sp.Expr:
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


_RULES: dict[type, tuple[Callable[[sp.Expr], sp.Expr], ...]] = {
    sp.exp: (_exp_of_logs,),
    sp.log: (_log_of_product, _log_of_two_exponentials),
    softplus: (_softplus_of_log,),
    expit: (_expit_of_log,),
    log_cosh: (_hyperbolic_of_acosh,),
    sp.Pow: (_power,),
    sp.Mul: (_gates, _signs, _deltas, _exponentials, _products, _tilted),
    sp.Add: (_complements, _truncated_moments),
}


# ---- forms that keep their digits ------------------------------------------------------------------------------------


def stabilise(expr: sp.Expr) -> sp.Expr:
    r"""Return an equal expression in which roots, reciprocals and functions have arguments without cancellation.

    :math:`e^x - 1` becomes :math:`\tanh(x/2) / \mathrm{expit}(-x)`, accurate for every real x, and
    :math:`x \Phi(x) + \varphi(x)` the product of :math:`\Phi` with the mean of a truncated normal.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> stabilise(sp.exp(x) / (sp.exp(x) - 1))
    expit(x)/tanh(x/2)
    """
    changed = expr.replace(
        _is_fragile, lambda e: e.func(*(a.replace(lambda s: s.is_Add, _without_loss) for a in e.args))
    )
    return expr if changed == expr else tidy(changed)


def _is_fragile(e: sp.Expr) -> bool:
    """Return whether the relative error of an argument matters; polynomials stay as the engine of duals reads them."""
    return bool(e.is_Function or (e.is_Pow and not (e.exp.is_Integer and e.exp.is_positive)))


def _without_loss(e: sp.Expr) -> sp.Expr:
    for term in sorted(e.args, key=sp.default_sort_key):
        c, x = _coefficient_and_exponent(term)
        if x != 0 and -c in e.args:
            others = sp.Add(*(t for t in e.args if t not in (term, -c)))
            return others + c * sp.tanh(x / 2) / expit(-x)
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, ndtr):  # c (x Phi(x) + phi(x))
                (x,) = factor.args
                c = term / (x * factor)
                partner = c * sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
                if partner in e.args:
                    others = sp.Add(*(t for t in e.args if t not in (term, partner)))
                    return others + c * factor * truncated_normal_mean(x)
    return e
