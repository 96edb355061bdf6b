"""Limits of expressions in atoms: each atom is exchanged for its asymptotic series, and SymPy takes the limit.

A limit is checked against rigorous values further and further out, because a symbolic limit that comes out wrong would
otherwise go unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import sympy as sp

from dekderive import atoms
from dekderive.atoms import Atom
from dekderive.certificates.enclosure import enclose
from dekderive.errors import NoClosedForm
from dekderive.implicit import inverse_log_partition

__all__ = ["growth", "limit", "sample_parameters", "sign_near"]

_t = sp.Symbol("t", positive=True)  # tends to infinity

_root_pi, _root_2pi = sp.sqrt(sp.pi), sp.sqrt(2 * sp.pi)

Tail = Callable[[sp.Expr], sp.Expr]


def _mills_series(x: sp.Expr) -> sp.Expr:
    return 1 - x**-2 + 3 * x**-4 - 15 * x**-6


# Atom -> (series as its argument x -> +oo, series as x -> -oo, in terms of |x|).  Each is exact up to terms that are
# smaller than its last one; exponentially small terms are kept where the leading ones cancel in a derivative.
_TAILS: dict[type, tuple[Tail, Tail]] = {
    atoms.relu: (lambda x: x, lambda x: sp.S.Zero),
    atoms.step: (lambda x: sp.S.One, lambda x: sp.S.Zero),
    sp.Heaviside: (lambda x: sp.S.One, lambda x: sp.S.Zero),
    sp.sign: (lambda x: sp.S.One, lambda x: -sp.S.One),
    sp.Abs: (lambda x: x, lambda x: x),
    sp.DiracDelta: (lambda x: sp.S.Zero, lambda x: sp.S.Zero),
    sp.tanh: (lambda x: 1 - 2 / (1 + sp.exp(2 * x)), lambda x: 2 / (1 + sp.exp(2 * x)) - 1),
    sp.sinh: (lambda x: (sp.exp(x) - sp.exp(-x)) / 2, lambda x: (sp.exp(-x) - sp.exp(x)) / 2),
    sp.cosh: (lambda x: (sp.exp(x) + sp.exp(-x)) / 2,) * 2,
    atoms.softplus: (lambda x: x + sp.log(1 + sp.exp(-x)), lambda x: sp.log(1 + sp.exp(-x))),
    atoms.expit: (lambda x: 1 / (1 + sp.exp(-x)), lambda x: sp.exp(-x) / (1 + sp.exp(-x))),
    atoms.log_softplus: (
        lambda x: sp.log(x + sp.log(1 + sp.exp(-x))),
        lambda x: -x + sp.log(1 - sp.exp(-x) / 2),
    ),
    atoms.log_softplus_slope: (
        lambda x: 1 / ((1 + sp.exp(-x)) * (x + sp.log(1 + sp.exp(-x)))),
        lambda x: 1 - sp.exp(-x) / 2,
    ),
    atoms.log_exprel: (
        lambda x: x - sp.log(x) + sp.log(1 - sp.exp(-x)),
        lambda x: -sp.log(x) + sp.log(1 - sp.exp(-x)),
    ),
    atoms.tilted_uniform_mean: (
        lambda x: 1 + 1 / (sp.exp(x) - 1) - 1 / x,
        lambda x: 1 / x - 1 / (sp.exp(x) - 1),
    ),
    atoms.truncated_normal_log_partition: (
        lambda x: x**2 / 2 - sp.exp(-(x**2) / 2) / (x * _root_2pi),
        lambda x: -sp.log(x * _root_2pi) + sp.log(_mills_series(x)),
    ),
    atoms.log_cosh: (lambda x: x - sp.log(2) + sp.log(1 + sp.exp(-2 * x)),) * 2,
    atoms.log_sinhc: (lambda x: x - sp.log(2 * x) + sp.log(1 - sp.exp(-2 * x)),) * 2,
    atoms.langevin: (
        lambda x: 1 + 2 / (sp.exp(2 * x) - 1) - 1 / x,
        lambda x: 1 / x - 1 - 2 / (sp.exp(2 * x) - 1),
    ),
    atoms.langevin_slope: (lambda x: x**-2 - 4 * sp.exp(-2 * x),) * 2,
    atoms.ndtr: (
        lambda x: 1 - sp.exp(-(x**2) / 2) / (x * _root_2pi) * _mills_series(x),
        lambda x: sp.exp(-(x**2) / 2) / (x * _root_2pi) * _mills_series(x),
    ),
    atoms.log_ndtr: (
        lambda x: -sp.exp(-(x**2) / 2) / (x * _root_2pi),
        lambda x: -(x**2) / 2 - sp.log(x * _root_2pi) + sp.log(_mills_series(x)),
    ),
    atoms.inverse_mills: (lambda x: sp.exp(-(x**2) / 2) / _root_2pi, lambda x: x / _mills_series(x)),
    atoms.truncated_normal_mean: (
        lambda x: x + sp.exp(-(x**2) / 2) / _root_2pi,
        lambda x: 1 / x - 2 * x**-3 + 10 * x**-5,
    ),
    atoms.truncated_normal_variance: (
        lambda x: 1 - x * sp.exp(-(x**2) / 2) / _root_2pi,
        lambda x: x**-2 - 6 * x**-4 + 50 * x**-6,
    ),
    atoms.log_i0: (lambda x: x - sp.log(2 * sp.pi * x) / 2 + 1 / (8 * x),) * 2,
    atoms.bessel_ratio: (lambda x: 1 - 1 / (2 * x) - x**-2 / 8, lambda x: -1 + 1 / (2 * x) + x**-2 / 8),
    atoms.bessel_ratio_slope: (lambda x: x**-2 / 2 + x**-3 / 4,) * 2,
    atoms.dawson: (lambda x: 1 / (2 * x) + x**-3 / 4, lambda x: -1 / (2 * x) - x**-3 / 4),
    sp.erf: (
        lambda x: 1 - sp.exp(-(x**2)) / (x * _root_pi),
        lambda x: sp.exp(-(x**2)) / (x * _root_pi) - 1,
    ),
    sp.erfc: (
        lambda x: sp.exp(-(x**2)) / (x * _root_pi),
        lambda x: 2 - sp.exp(-(x**2)) / (x * _root_pi),
    ),
}
# Bounded functions that oscillate: their size is all that a rate of growth needs.
_OSCILLATING = {sp.sin: sp.S.One, sp.cos: sp.S.One, atoms.versine: sp.Integer(2)}


@lru_cache(maxsize=1024)
def limit(expr: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str = "-") -> sp.Expr:
    """Return the limit of `expr` as `symbol` tends to `end` (from below if `side` is ``"-"``, from above if ``"+"``).

    Parameters
    ----------
    expr : sympy.Expr
    symbol : sympy.Symbol
    end : sympy.Expr
        A number, oo or -oo (for which `side` does not matter).
    side : {"-", "+"}

    Returns
    -------
    sympy.Expr
        Possibly oo or -oo.

    Raises
    ------
    NoClosedForm
        If SymPy finds no limit, or one that values near the end contradict.

    Examples
    --------
    >>> from dekderive.symbols import eta
    >>> limit(eta + atoms.inverse_mills(eta), eta, -sp.oo)
    0
    """
    if not expr.has(symbol):
        return expr
    value = _limit_in_t(_in_tail(expr.xreplace({symbol: _approach(end, side)})))
    if value is None:
        raise NoClosedForm(f"no limit found of {expr} as {symbol} tends to {end}")
    _check(expr, symbol, end, side, value)
    return value


def growth(expr: sp.Expr, symbol: sp.Symbol, end: sp.Expr) -> sp.Expr:
    """Return the limit of ``log|expr| / symbol**2`` as `symbol` tends to oo or -oo; -oo where `expr` vanishes there.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> growth(z * sp.exp(z**2 / 4 - z), z, sp.oo), growth(atoms.relu(z), z, -sp.oo)
    (1/4, -oo)
    """
    rate = _rate(expr.xreplace({symbol: _approach(end, "-")}))
    if rate is None:
        raise NoClosedForm(f"cannot tell how fast {expr} grows as {symbol} tends to {end}")
    return rate


def sign_near(expr: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str = "-") -> int:
    """Return the sign (-1, 0, 1) of `expr` close to `end`."""
    return _eventual_sign(_in_tail(expr.xreplace({symbol: _approach(end, side)})))


def sample_parameters(expr: sp.Expr, *variables: sp.Symbol) -> dict[sp.Symbol, sp.Rational]:
    """Return a value for each parameter in `expr` (every symbol but `variables`), in keeping with its assumptions."""
    values = {}
    for i, symbol in enumerate(sorted(expr.free_symbols - set(variables), key=str)):
        value = sp.Integer(3 + i) if symbol.is_integer else sp.Rational(3 + 2 * i, 2)
        values[symbol] = -value if symbol.is_nonpositive or symbol.is_negative else value
    return values


def _approach(end: sp.Expr, side: str) -> sp.Expr:
    if end in (sp.oo, -sp.oo):
        return _t if end == sp.oo else -_t
    return end - 1 / _t if side == "-" else end + 1 / _t


@lru_cache(maxsize=4096)
def _in_tail(expr: sp.Expr) -> sp.Expr:
    """Return an elementary expression in t that agrees with `expr` as t -> oo."""
    if not expr.has(_t) or not expr.args:
        return expr
    args = [_in_tail(a) for a in expr.args]
    if expr.func in _TAILS and len(args) == 1:
        (x,) = args
        plus, minus = _TAILS[expr.func]
        towards = _limit_in_t(x)
        if towards in (sp.oo, -sp.oo):
            return plus(x) if towards == sp.oo else minus(-x)
        if expr.func in (atoms.relu, atoms.step, sp.Heaviside, sp.sign, sp.Abs, sp.DiracDelta):
            sign = _eventual_sign(x)
            return plus(x) if sign > 0 else minus(-x) if sign < 0 else expr.func(sp.S.Zero)
    if isinstance(expr, inverse_log_partition):  # the bound symbol is none of its arguments
        return expr.func(*expr.args[:3], _in_tail(expr.level))
    if isinstance(expr, sp.LambertW) and len(args) == 1:
        return _lambert_w(args[0])
    rebuilt = expr.func(*args)
    return _in_tail(rebuilt.definition) if isinstance(rebuilt, Atom) else rebuilt


@lru_cache(maxsize=4096)
def _rate(e: sp.Expr) -> sp.Expr | None:
    """Return lim log|e| / t^2, by rules; the limit of the whole is the last resort, because it is slow.

    A bounded oscillation counts as its bound.
    """
    if e == 0 or not e.has(_t):
        return -sp.oo if e == 0 else sp.S.Zero
    if e.is_Mul:
        rates = [_rate(a) for a in e.args]
        mixed = None in rates or {sp.oo, -sp.oo} <= set(rates)
        return _rate_of_whole(e) if mixed else sp.Add(*rates)
    if e.is_Add:
        rates = [_rate(a) for a in e.args]
        top = None if None in rates else sp.Max(*rates)
        # Equal largest rates may cancel, unless all terms have one sign.
        known = (
            top is not None and not top.has(sp.Max) and (rates.count(top) == 1 or all(a.is_positive for a in e.args))
        )
        return top if known else _rate_of_whole(e)
    if e.is_Pow and e.exp.is_number and e.base is not sp.S.Exp1:
        rate = _rate(e.base)
        return None if rate is None else e.exp * rate
    if isinstance(e, sp.exp):
        return _limit_in_t(_in_tail(e.args[0]) / _t**2)
    if e.func in _OSCILLATING:
        return sp.S.Zero
    if len(e.args) == 1 and isinstance(e, sp.Function):
        return _rate_of_function(e)
    return _rate_of_whole(e)


def _rate_of_function(e: sp.Function) -> sp.Expr | None:
    x = _in_tail(e.args[0])
    towards = _limit_in_t(x)
    if towards in (sp.oo, -sp.oo) and e.func in _TAILS:
        plus, minus = _TAILS[e.func]
        tail = plus(x) if towards == sp.oo else minus(-x)
        return _rate(tail) if tail != e else _rate_of_whole(e)
    if towards is not None and towards.is_finite:
        value = e.func(towards)
        if value.is_zero is False or (value.is_number and enclose(value, sample_parameters(value)).excludes_zero):
            return sp.S.Zero
        if e.func in _LINEAR_AT_ZERO and towards == 0:
            return _rate(x)
    return _rate_of_whole(e)


_LINEAR_AT_ZERO = (sp.tanh, sp.sinh, sp.tan, sp.atan, sp.asin, sp.asinh, sp.erf, atoms.langevin, atoms.bessel_ratio)


def _rate_of_whole(e: sp.Expr) -> sp.Expr | None:
    tail = _in_tail(e.replace(lambda f: f.func in _OSCILLATING, lambda f: _OSCILLATING[f.func]))
    if tail == 0:
        return -sp.oo
    return _limit_in_t(sp.expand_log(sp.log(sp.Abs(tail)), force=True) / _t**2)


def _lambert_w(x: sp.Expr) -> sp.Expr:
    towards = _limit_in_t(x)
    if towards == 0:
        return x - x**2 + sp.Rational(3, 2) * x**3
    if towards == -sp.exp(-1):  # the branch point, a square root
        p = sp.sqrt(2 * (sp.E * x + 1))
        return -1 + p - p**2 / 3 + sp.Rational(11, 72) * p**3
    return sp.log(x) - sp.log(sp.log(x)) if towards == sp.oo else sp.LambertW(x)


def _limit_in_t(expr: sp.Expr) -> sp.Expr | None:
    if not expr.has(_t):
        return expr
    try:
        value = sp.limit(expr, _t, sp.oo)
    except (NotImplementedError, ValueError, TypeError, AttributeError, RecursionError, sp.PoleError):
        return None
    if value.has(sp.AccumBounds, sp.Limit, _t, sp.nan, sp.zoo):
        return None
    return value


def _eventual_sign(x: sp.Expr) -> int:
    value = _limit_in_t(x)
    if value is not None and value.is_zero is False and value.is_extended_real:
        known = sp.sign(value)
        if known in (1, -1):
            return int(known)
    for power in (9, 6, 4, 2):  # an exponentially small difference is lost far out
        far = enclose(x, {_t: sp.Integer(10) ** power, **sample_parameters(x, _t)})
        if far.excludes_zero:
            return 1 if far.is_positive else -1
    return 0


def _check(expr: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str, value: sp.Expr) -> None:
    """Compare a limit with rigorous values at three points that approach the end."""
    parameters = sample_parameters(expr, symbol)
    found = [
        enclose(expr, {symbol: _approach(end, side).xreplace({_t: sp.Integer(t)}), **parameters})
        for t in (32, 128, 512)
    ]
    if not all(f.is_finite for f in found):
        return  # out of reach of the balls (exp of exp, say)
    if value in (sp.oo, -sp.oo):
        towards = [float(f) * (1 if value == sp.oo else -1) for f in found]
        consistent = towards[0] < towards[1] < towards[2]
    else:
        exact = float(enclose(value, parameters))
        errors = [abs(float(f) - exact) for f in found]
        consistent = errors[2] <= errors[0] / 2 or errors[2] < 1e-12 * (1 + abs(exact))
    if not consistent:
        raise NoClosedForm(f"the limit {value} of {expr} as {symbol} tends to {end} disagrees with values near the end")
