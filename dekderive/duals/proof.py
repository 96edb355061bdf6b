"""Decide whether an expression vanishes: proved by the normal form, refuted by a ball, or left undecided."""

import sympy as sp

from dekderive.certificates.enclosure import zero_verdict
from dekderive.duals.normal_form import is_identically_zero
from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.symbols import cxx, cxy, cyy, gap, kxx, kxy, kyy
from dekderive.verdict import Verdict

__all__ = ["decide_zero"]

# Covariances strictly inside the cone, for (kxx, kyy, kxy) and for (cxx, cyy, cxy).
_COVARIANCES = (("49/64", "25/16", "2/5"), ("1/3", "7/2", "-1/4"), ("9/2", "1/5", "1/3"))


def decide_zero(difference: sp.Expr) -> tuple[Verdict, str]:
    """Return the verdict on "this expression is identically zero", and how it was reached.

    HOLDS is a proof (empty normal form), FAILS is a proof (a ball at a rational point excludes 0), and UNDECIDED says
    to which width the balls agree with 0.

    Examples
    --------
    >>> decide_zero(sp.sqrt(kxx) ** 2 - kxx)
    (<Verdict.HOLDS: 'holds'>, 'normal form is zero')
    >>> decide_zero(kxx - kyy)[0].name
    'FAILS'
    """
    if difference.has(*NUMERIC_NODES):
        return Verdict.UNDECIDED, "contains expectations without a closed form"
    if is_identically_zero(difference):
        return Verdict.HOLDS, "normal form is zero"
    return zero_verdict(difference, _points(difference))


def _points(expression: sp.Expr) -> list[dict[sp.Symbol, sp.Rational]]:
    groups = ((kxx, kyy, kxy), (cxx, cyy, cxy))
    known = {s for group in groups for s in group} | {gap}
    others = sorted(expression.free_symbols - known, key=lambda s: s.name)
    values = {s: sp.Rational(3 + 2 * i, 7) for i, s in enumerate(others)} | {gap: sp.Rational(1, 3)}
    return [
        values | {s: sp.Rational(v) for group in groups for s, v in zip(group, numbers, strict=True)}
        for numbers in _COVARIANCES
    ]
