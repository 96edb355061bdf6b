r"""Combinations of bivariate normal probabilities that cancel at large variances -> combinations of what remains.

With :math:`\Phi = \frac12 + g` and ``binormal_excess`` X, every distribution function is

.. math:: \Phi_2(h, k) = X(h, k) + \frac14 + \frac{\arcsin r}{2\pi} + \frac{g(h) + g(k)}2 .

In the dual of a function that is bounded, or linear on one side only, what multiplies a power of the covariance is the
probability of a rectangle, or a sum of such: there everything but the excesses cancels, identically.  So it is left
out, and at large variances, where the power is large and the probability small, no digits are lost.
"""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import arcsine, binormal, binormal_excess, ndtr
from dekderive.symbols import kxx, kxy, kyy

__all__ = ["centred"]

_COVARIANCE = (kxx, kyy, kxy)


def centred(expression: sp.Expr) -> sp.Expr:
    """Return an equal expression with excesses wherever they are all that remains.

    Examples
    --------
    >>> rest = 1 - 2 * ndtr(-1 / sp.sqrt(kxx)) - 2 * ndtr(-1 / sp.sqrt(kyy))
    >>> centred(2 * binormal(-1, -1, kxx, kyy, kxy) + 2 * binormal(-1, -1, kxx, kyy, -kxy) + rest)
    2*binormal_excess(1, 1, kxx, kyy, -kxy) + 2*binormal_excess(1, 1, kxx, kyy, kxy)
    """
    if not expression.has(binormal):
        return expression
    groups: dict[sp.Expr, dict[sp.Expr, sp.Expr]] = {}
    others = []
    for term in sp.Add.make_args(expression):
        split = _split(term)
        if split is None:
            others.append(term)
            continue
        polynomial, function = split
        for powers, coefficient in polynomial.terms():
            monomial = sp.Mul(*(x**n for x, n in zip(_COVARIANCE, powers, strict=True)))
            group = groups.setdefault(monomial, {})
            group[function] = group.get(function, sp.S.Zero) + coefficient
    changed = {monomial: _excesses(group) for monomial, group in groups.items()}
    if not any(changed.values()):
        return expression
    coefficients: dict[sp.Expr, sp.Expr] = {}
    for monomial, group in groups.items():
        for function, coefficient in (changed[monomial] or group).items():
            coefficients[function] = coefficients.get(function, sp.S.Zero) + coefficient * monomial
    return sp.Add(*others, *(sp.factor_terms(c) * function for function, c in coefficients.items()))


def _split(term: sp.Expr) -> tuple[sp.Poly, sp.Expr] | None:
    """A term as polynomial * function, the function being 1, an arcsine or a probability at fixed levels."""
    factors = sp.Mul.make_args(term)
    functions = [f for f in factors if isinstance(f, binormal | arcsine) or _is_margin(f)]
    rest = sp.Mul(*(f for f in factors if f not in functions))
    if len(functions) > 1 or rest.atoms(sp.Function) or not rest.is_polynomial(*_COVARIANCE):
        return None
    return sp.Poly(rest, *_COVARIANCE), functions[0] if functions else sp.S.One


def _is_margin(factor: sp.Expr) -> bool:
    return isinstance(factor, ndtr) and not factor.has(kxy)


def _excesses(group: dict[sp.Expr, sp.Expr]) -> dict[sp.Expr, sp.Expr] | None:
    """The group as a combination of excesses alone, or None."""
    found: dict[sp.Expr, sp.Expr] = {}
    rest = sp.S.Zero
    for function, coefficient in group.items():
        if isinstance(function, binormal):
            excess = binormal_excess(*function.args)
            found[excess] = found.get(excess, sp.S.Zero) + coefficient
            rest += coefficient * _main_part(*function.args)
        else:
            rest += coefficient * (sp.S.Half + _odd(function.args[0]) if isinstance(function, ndtr) else function)
    return found if found and sp.expand(rest) == 0 else None


def _main_part(h: sp.Expr, k: sp.Expr, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr:
    margins = (_odd(h / sp.sqrt(a)) + _odd(k / sp.sqrt(b))) / 2
    return sp.Rational(1, 4) + arcsine(a, b, c) / (2 * sp.pi) + margins


def _odd(x: sp.Expr) -> sp.Expr:
    """Phi(x) - 1/2, which SymPy knows to be odd."""
    return sp.erf(x / sp.sqrt(2)) / 2
