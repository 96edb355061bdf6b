"""Equal forms that keep their digits in floating point."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import expit, ndtr, truncated_normal_mean, versine
from dekderive.simplification.logarithms import coefficient_and_exponent
from dekderive.simplification.tidying import tidy

__all__ = ["stabilise"]


def stabilise(expr: sp.Expr) -> sp.Expr:
    r"""Return an equal expression in which roots, reciprocals and functions have arguments without cancellation.

    :math:`e^x - 1` becomes :math:`\tanh(x/2) / \mathrm{expit}(-x)`, accurate for every real x, and
    :math:`x \Phi(x) + \varphi(x)` the product of :math:`\Phi` with the mean of a truncated normal, and
    :math:`\operatorname{acosh}(e^x)`, which is about :math:`\sqrt{2x}` near 0, an area hyperbolic sine.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> stabilise(sp.exp(x) / (sp.exp(x) - 1))
    expit(x)/tanh(x/2)
    """
    changed = expr.replace(
        # cosh(2y) = 1 + 2 sinh(y)^2
        lambda e: isinstance(e, sp.acosh) and isinstance(e.args[0], sp.exp),
        lambda e: 2 * sp.asinh(sp.sqrt((e.args[0] - 1) / 2)),
    )
    changed = changed.replace(
        _is_fragile, lambda e: e.func(*(a.replace(lambda s: s.is_Add, _without_loss) for a in e.args))
    )
    return expr if changed == expr else tidy(changed)


def _is_fragile(e: sp.Expr) -> bool:
    """Return whether the relative error of an argument matters; polynomials stay as the engine of duals reads them."""
    return bool(e.is_Function or (e.is_Pow and not (e.exp.is_Integer and e.exp.is_positive)))


def _without_loss(e: sp.Expr) -> sp.Expr:
    for term in sorted(e.args, key=sp.default_sort_key):
        c, wave = term.as_independent(sp.cos, as_Add=False)
        if isinstance(wave, sp.cos) and -c in e.args:
            return sp.Add(*(t for t in e.args if t not in (term, -c))) - c * versine(wave.args[0])
        c, x = coefficient_and_exponent(term)
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
