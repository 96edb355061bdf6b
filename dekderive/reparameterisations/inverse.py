"""The inverse of a log-partition on a branch where it increases or decreases."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import sympy as sp

from dekderive.atoms import expit, log1mexp, log_cosh, log_softplus, softplus
from dekderive.certificates import zero_verdict
from dekderive.families.family import Family
from dekderive.families.validation import interior_points
from dekderive.implicit import inverse_log_partition
from dekderive.limits import sample_parameters
from dekderive.simplification import tidy
from dekderive.symbols import eta
from dekderive.verdict import Verdict

__all__ = ["branch", "inverse_at"]

# Function -> its inverse; where there are two, the non-negative one.
_INVERSES: dict[type, Callable[[sp.Expr], sp.Expr]] = {
    sp.exp: sp.log,
    sp.log: sp.exp,
    softplus: lambda w: sp.log(sp.exp(w) - 1),
    log_softplus: lambda w: sp.log(sp.exp(sp.exp(w)) - 1),
    log1mexp: log1mexp,  # an involution
    expit: lambda w: sp.log(w / (1 - w)),
    log_cosh: lambda w: sp.acosh(sp.exp(w)),
    sp.cosh: sp.acosh,
    sp.sinh: sp.asinh,
    sp.tanh: sp.atanh,
    sp.cos: sp.acos,
    sp.sin: sp.asin,
    sp.tan: sp.atan,
    sp.LambertW: lambda w: w * sp.exp(w),
}
_EVEN = (log_cosh, sp.cosh, sp.cos)


def branch(family: Family) -> tuple[sp.Expr, sp.Expr]:
    """Return the part of the natural domain on which A is inverted: where it increases, else the whole domain.

    Examples
    --------
    >>> from dekderive.families import gamma, gaussian
    >>> branch(gaussian()), branch(gamma(2))
    ((0, oo), (-oo, 0))
    """
    bottom = family.stationary_point
    return (family.domain.start if bottom is None else bottom), family.domain.end


def inverse_at(family: Family, level: sp.Expr) -> sp.Expr:
    """Return the eta on the branch with A(eta) = level: a formula, or a node that is solved numerically.

    Examples
    --------
    >>> from dekderive.families import bernoulli, von_mises
    >>> w = sp.Symbol("w", positive=True)
    >>> inverse_at(bernoulli(), w), inverse_at(von_mises(), w)
    (log(exp(w) - 1), inverse_log_partition(log_i0(eta), 0, oo, w))
    """
    formula = _formula(family)
    if formula is None:
        return inverse_log_partition(family.log_partition, *branch(family), level)
    return formula.subs(_level(family), level)


def _level(family: Family) -> sp.Symbol:
    values = family.log_partition_range
    if values.start.is_nonnegative:
        return sp.Symbol("w", positive=True)
    return sp.Symbol("w", negative=True) if values.end.is_nonpositive else sp.Symbol("w", real=True)


@lru_cache(maxsize=128)
def _formula(family: Family) -> sp.Expr | None:
    """Return the inverse as a formula in the level, if undoing A step by step gives one that balls do not refute."""
    w = _level(family)
    low, high = branch(family)
    sign = -1 if high.is_nonpositive else 1
    formula = _undo(tidy(family.log_partition), w, sign)
    if formula is None:
        return None
    parameters = sample_parameters(family.log_partition, eta)
    points = [{eta: p, **parameters} for p in interior_points(sp.Interval.open(low, high))]
    back = formula.subs(w, family.log_partition) - eta
    return formula if zero_verdict(back, points)[0] is not Verdict.FAILS else None


def _undo(expr: sp.Expr, w: sp.Expr, sign: int) -> sp.Expr | None:
    """Solve expr(eta) = w where eta occurs once, by undoing one operation after the other."""
    if expr == eta:
        return w
    if expr.is_Add or expr.is_Mul:
        rest, inner = expr.as_independent(eta, as_Add=expr.is_Add)
        if inner.func == expr.func:  # eta occurs in two of the arguments
            return _undo_quadratic(expr, w, sign)
        return _undo(inner, w - rest if expr.is_Add else w / rest, sign)
    if expr.is_Pow and not expr.exp.has(eta):
        if expr.base.has(eta):
            root = w ** (1 / expr.exp)
            even = expr.exp.is_Integer and expr.exp.is_even
            return _undo(expr.base, sign * root if even else root, sign)
        return None
    if expr.func in _INVERSES and len(expr.args) == 1:
        value = _INVERSES[expr.func](w)
        return _undo(expr.args[0], sign * value if expr.func in _EVEN else value, sign)
    return None


def _undo_quadratic(expr: sp.Expr, w: sp.Expr, sign: int) -> sp.Expr | None:
    if not expr.is_polynomial(eta) or sp.degree(expr, eta) != 2:
        return None
    a, b, c = sp.Poly(expr, eta).all_coeffs()
    return (-b + sp.sqrt(b**2 - 4 * a * (c - w))) / (2 * a)
