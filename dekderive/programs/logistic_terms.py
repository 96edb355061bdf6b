"""Formulas -> the terms of logistic type that they are sums of, for which the run time has closed forms."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import expit, log_cosh, softplus
from dekderive.symbols import z

__all__ = ["logistic_terms"]

Terms = dict[tuple[str, sp.Expr], sp.Expr]  # (base, rate) -> coefficient


def logistic_terms(f: sp.Expr) -> tuple[tuple[str, float, float], ...]:
    """Return the terms ``(base, rate, coefficient)`` whose sum f is; none if it is no such sum.

    Parameters
    ----------
    f : sympy.Expr
        A function of ``dekderive.symbols.z``.

    Returns
    -------
    tuple of (str, float, float)
        As `dekderive.kernels.hermite.analytic` takes them.

    Examples
    --------
    >>> logistic_terms(1 - sp.tanh(z))
    (('constant', 0.0, 2.0), ('expit', 2.0, -2.0))
    >>> logistic_terms(sp.atan(z))
    ()
    """
    total: Terms = {}
    for summand in sp.Add.make_args(sp.expand(f)):
        found = _summand(summand)
        if found is None:
            return ()
        _add(total, found, sp.S.One)
    if not any(name not in ("constant", "linear") for name, _ in total):
        return ()
    ordered = sorted((key, c) for key, c in ((key, sp.expand(c)) for key, c in total.items()) if c != 0)
    return tuple((name, float(rate), float(c)) for (name, rate), c in ordered)


def _add(total: Terms, terms: Terms, factor: sp.Expr) -> None:
    for key, c in terms.items():
        total[key] = total.get(key, sp.S.Zero) + factor * c


def _scaled(terms: Terms, factor: sp.Expr) -> Terms:
    return {key: factor * c for key, c in terms.items()}


def _summand(e: sp.Expr) -> Terms | None:
    coefficient, rest = e.as_independent(z, as_Add=False)
    if coefficient.free_symbols:
        return None
    terms = _product(list(sp.Mul.make_args(rest)))
    return None if terms is None else _scaled(terms, coefficient)


def _product(factors: list[sp.Expr]) -> Terms | None:
    """The terms of a product without constant factors."""
    if factors == [sp.S.One]:
        return {("constant", sp.S.Zero): sp.S.One}
    if factors == [z]:
        return {("linear", sp.S.One): sp.S.One}
    if z in factors:
        factors.remove(z)
        inner = _product(factors)
        return None if inner is None else _times_z(inner)
    if len(factors) == 1:
        return _single(factors[0])
    if len(factors) == 2 and all(isinstance(f, expit) for f in factors) and factors[0].args[0] == -factors[1].args[0]:
        rate = _rate(factors[0].args[0])
        return None if rate is None else {("expit_slope", abs(rate)): sp.S.One}
    return None


def _times_z(terms: Terms) -> Terms | None:
    """``z`` times a sum of constants and logistic functions."""
    result: Terms = {}
    for (name, rate), c in terms.items():
        if name == "constant":
            _add(result, {("linear", sp.S.One): c}, sp.S.One)
        elif name == "expit":
            _add(result, {("silu", rate): c / rate}, sp.S.One)
        else:
            return None
    return result


def _single(e: sp.Expr) -> Terms | None:
    base, exponent = e.as_base_exp()
    if (isinstance(base, sp.cosh) and exponent == -2) or (isinstance(base, sp.sech) and exponent == 2):
        rate = _rate(base.args[0])
        return None if rate is None else {("expit_slope", 2 * abs(rate)): sp.Integer(4)}
    if isinstance(base, sp.tanh) and exponent == 2:
        rate = _rate(base.args[0])
        one = {("constant", sp.S.Zero): sp.S.One}
        return None if rate is None else one | {("expit_slope", 2 * abs(rate)): sp.Integer(-4)}
    if exponent != 1 or not isinstance(e, sp.Function):
        return None
    rate = _rate(e.args[0])
    return None if rate is None else _function(type(e), rate)


def _function(kind: type[sp.Function], rate: sp.Expr) -> Terms | None:
    size, one = abs(rate), sp.S.One
    constant, linear = ("constant", sp.S.Zero), ("linear", one)
    if kind is expit:  # expit(-x) = 1 - expit(x)
        return {("expit", size): one} if rate > 0 else {constant: one, ("expit", size): -one}
    if kind is sp.tanh:  # tanh(x) = 2 expit(2 x) - 1
        sign = sp.sign(rate)
        return {("expit", 2 * size): 2 * sign, constant: -sign}
    if kind is softplus:  # softplus(-x) = softplus(x) - x
        return {("softplus", size): one} | ({} if rate > 0 else {linear: -size})
    if kind is log_cosh:  # log cosh(x) = softplus(2 x) - x - log 2
        return {("softplus", 2 * size): one, linear: -size, constant: -sp.log(2)}
    return None


def _rate(argument: sp.Expr) -> sp.Expr | None:
    """The rate of an argument ``rate z``, a number other than 0."""
    rate = argument / z
    return rate if rate.is_number and rate.is_real and rate.is_nonzero else None
