"""The size of what a formula adds up: rounding errors are relative to that, and not to the value."""

from __future__ import annotations

import sympy as sp

__all__ = ["magnitude"]


def magnitude(e: sp.Expr) -> sp.Expr:
    """Return an expression for the sum of the absolute values of the terms of e, in all of its sums.

    A factor is taken with its sums inside, a function of an accurate argument with its own absolute value; an
    exponential counts with the size of its exponent, whose absolute error is its relative error.

    Examples
    --------
    >>> x = sp.Symbol("x", positive=True)
    >>> y = sp.Symbol("y", real=True)
    >>> magnitude(x * (x - y))
    x*(x + Abs(y))
    >>> magnitude(sp.exp(-x))
    (x + 1)*exp(-x)
    """
    if not e.args or e.is_number:
        return sp.Abs(e)
    if isinstance(e, sp.Add):
        return sp.Add(*map(magnitude, e.args))
    if isinstance(e, sp.Mul):
        return sp.Mul(*map(magnitude, e.args))
    if isinstance(e, sp.exp):
        return (1 + magnitude(e.args[0])) * e
    if isinstance(e, sp.Pow) and e.exp.is_Integer and e.exp > 0:
        return magnitude(e.base) ** e.exp
    return sp.Abs(e)
