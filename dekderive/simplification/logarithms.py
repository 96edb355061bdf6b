"""Identities of exponentials and logarithms; each rule returns its argument where it does not apply."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from dekderive.atoms import (
    expit,
    log1mexp,
    log_cosh,
    log_exprel,
    log_i0,
    log_ndtr,
    log_sinhc,
    log_softplus,
    ndtr,
    softplus,
    truncated_normal_log_partition,
)

__all__ = [
    "coefficient_and_exponent",
    "compositions",
    "exp_of_logs",
    "expit_of_log",
    "log1mexp_of_log",
    "log_of_product",
    "log_of_ratio",
    "log_of_two_exponentials",
    "softplus_of_log",
]

_EXPONENTIALS: dict[type, Callable[[sp.Expr, sp.Expr], sp.Expr]] = {
    log_cosh: lambda x, c: sp.cosh(x) ** c,
    log_sinhc: lambda x, c: (sp.sinh(x) / x) ** c,
    log_ndtr: lambda x, c: ndtr(x) ** c,
    log_i0: lambda x, c: sp.besseli(0, x) ** c,
    log_softplus: lambda x, c: softplus(x) ** c,
    log1mexp: lambda x, c: (1 - sp.exp(x)) ** c,
    log_exprel: lambda x, c: ((sp.exp(x) - 1) / x) ** c,
    truncated_normal_log_partition: lambda x, c: sp.exp(c * x**2 / 2) * ndtr(x) ** c,
}
_LOGARITHMS: dict[type, Callable[[sp.Expr], sp.Expr]] = {
    expit: lambda x: -softplus(-x),
    ndtr: log_ndtr,
    sp.cosh: log_cosh,
    softplus: log_softplus,
}


def exp_of_logs(e: sp.Expr) -> sp.Expr:
    """Apply exp(c log f) = f^c to the terms of an exponent that are logarithms under another name."""
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


def log_of_product(e: sp.Expr) -> sp.Expr:
    """Take the factors out of a logarithm whose logarithms are atoms."""
    terms, rest = [], []
    for factor in sp.Mul.make_args(e.args[0]):
        base, power = factor.as_base_exp()
        if base.func in _LOGARITHMS:
            terms.append(power * _LOGARITHMS[base.func](base.args[0]))
        else:
            rest.append(factor)
    return sp.Add(sp.log(sp.Mul(*rest)), *terms) if terms else e


def log_of_two_exponentials(e: sp.Expr) -> sp.Expr:
    """Apply log(c e^a + c e^b) = log c + a + softplus(b - a), log_cosh where a + b = 0, and log1mexp for c - c e^b."""
    argument = sp.expand(e.args[0], deep=False)
    if not (argument.is_Add and len(argument.args) == 2):
        return e
    (c, a), (d, b) = (coefficient_and_exponent(t) for t in sorted(argument.args, key=sp.default_sort_key))
    if c == -d and (a == 0 or b == 0):
        return _log_of_complement(e, (c, a), (d, b))
    if c != d or not c.is_positive or a == b:
        return e
    if a + b == 0:
        return sp.log(2 * c) + log_cosh(a)
    low, high = (a, b) if a.is_number else (b, a) if b.is_number else (a, b)
    return sp.log(c) + low + softplus(high - low)


def _log_of_complement(e: sp.Expr, one: tuple[sp.Expr, sp.Expr], other: tuple[sp.Expr, sp.Expr]) -> sp.Expr:
    (c, a), (_, b) = (one, other) if one[0].is_positive else (other, one)
    return sp.log(c) + log1mexp(b) if c.is_positive and a == 0 else e


def log_of_ratio(e: sp.Expr) -> sp.Expr:
    """Apply log(c (e^x - 1) / x) = log c + log_exprel(x) and log(c sinh(x) / x) = log c + log_sinhc(x)."""
    factors = sp.Mul.make_args(sp.factor_terms(e.args[0]))
    for factor in factors:
        rest = sp.Mul(*(f for f in factors if f != factor))
        if isinstance(factor, sp.sinh):
            (x,) = factor.args
            c, atom = rest * x, log_sinhc
        elif factor.is_Add and len(factor.args) == 2:
            (c, x), (d, y) = (coefficient_and_exponent(t) for t in factor.args)
            if c != -d:
                continue
            if x + y == 0:  # 2 sinh
                c, atom = 2 * c * x * rest, log_sinhc
            elif x == 0 or y == 0:
                c, x = (c, x) if y == 0 else (d, y)
                c, atom = c * x * rest, log_exprel
            else:
                continue
        else:
            continue
        if c.is_positive and not c.free_symbols & x.free_symbols:
            return sp.log(c) + atom(x)
    return e


def log1mexp_of_log(e: sp.Expr) -> sp.Expr:
    """Apply log1mexp(x) = log(1 - e^x) where the exponential is known under another name, as for x = log(f)."""
    exponential = exp_of_logs(sp.exp(e.args[0]))
    return e if exponential.has(sp.exp) else sp.log(1 - exponential)


def coefficient_and_exponent(term: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Return (c, x) with term = c e^x."""
    exponents = [f for f in sp.Mul.make_args(term) if isinstance(f, sp.exp)]
    exponent = sp.Add(*(f.args[0] for f in exponents))
    return sp.Mul(*(f for f in sp.Mul.make_args(term) if f not in exponents)), exponent


def _probit_log_odds(x: sp.Expr) -> sp.Expr | None:
    """Return y if x = log(Phi(y) / Phi(-y))."""
    for term in sp.Add.make_args(x):
        if isinstance(term, log_ndtr) and x == term - log_ndtr(-term.args[0]):
            return term.args[0]
    return None


def softplus_of_log(e: sp.Expr) -> sp.Expr:
    """Apply softplus(log(x)) = log(1 + x), and softplus = -log Phi(-y) at the log-odds of Phi(y)."""
    (x,) = e.args
    if isinstance(x, sp.log):
        return sp.log(sp.expand(1 + x.args[0]))
    y = _probit_log_odds(x)
    return e if y is None else -log_ndtr(-y)


def expit_of_log(e: sp.Expr) -> sp.Expr:
    """Apply expit(log(x)) = x / (1 + x), and expit = Phi(y) at the log-odds of Phi(y)."""
    (x,) = e.args
    if isinstance(x, sp.log):
        odds = x.args[0]
        return sp.expand(odds / sp.expand(1 + odds))
    y = _probit_log_odds(x)
    return e if y is None else ndtr(y)


def compositions(e: sp.Expr) -> sp.Expr:
    """Apply log_cosh(acosh(x)) = log(x), acosh(cosh(x)) = |x| and W(x e^x) = x; SymPy knows the others."""
    (x,) = e.args
    if isinstance(e, log_cosh) and isinstance(x, sp.acosh):
        return sp.log(x.args[0])
    if isinstance(e, sp.acosh) and isinstance(x, sp.cosh):
        return sp.Abs(x.args[0])
    if isinstance(e, sp.LambertW):
        for factor in sp.Mul.make_args(x):
            if isinstance(factor, sp.exp) and factor.args[0] == x / factor and _is_above_minus_one(x / factor):
                return factor.args[0]
    return e


def _is_above_minus_one(x: sp.Expr) -> bool:
    """Return whether x is known to be on the principal branch of x e^x."""
    c, f = x.as_coeff_Mul()
    return bool(x.is_nonnegative or (isinstance(f, (expit, ndtr)) and c >= -1))
