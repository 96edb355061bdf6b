"""Decide whether an expression vanishes: proved by the normal form, refuted by a ball, or left undecided."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from dekderive.certificates.enclosure import zero_verdict
from dekderive.duals.normal_form import Terms
from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.duals.reading import is_identically_zero
from dekderive.duals.scalars import NotRational
from dekderive.errors import NoClosedForm, UndeclaredSymbol, UnprintableNode
from dekderive.symbols import cxx, cxy, cyy, gap, kxx, kxy, kyy
from dekderive.verdict import Verdict

__all__ = ["decide_residual", "decide_zero"]

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
    return _balls(difference)


def decide_residual(residual: Callable[[], Terms], difference: Callable[[], sp.Expr]) -> tuple[Verdict, str]:
    """Return the verdict on an identity that is given twice: as a residual in normal form, and as an expression.

    An empty residual is a proof.  What is not proved is handed to the balls as an expression, which share nothing with
    the normal form but the formula itself.

    Examples
    --------
    >>> decide_residual(dict, lambda: kxx)[0].name, decide_residual(lambda: {0: 1}, lambda: kxx)[0].name
    ('HOLDS', 'FAILS')
    """
    try:
        if not residual():
            return Verdict.HOLDS, "normal form is zero"
    except (NotRational, ZeroDivisionError, NoClosedForm):
        pass
    try:
        return _balls(difference())
    except NoClosedForm as error:
        return Verdict.UNDECIDED, str(error)


def _balls(difference: sp.Expr) -> tuple[Verdict, str]:
    try:
        return zero_verdict(difference, _points(difference))
    except (UnprintableNode, UndeclaredSymbol) as error:
        return Verdict.UNDECIDED, f"no ball arithmetic: {error}"


def _points(expression: sp.Expr) -> list[dict[sp.Symbol, sp.Rational]]:
    groups = ((kxx, kyy, kxy), (cxx, cyy, cxy))
    known = {s for group in groups for s in group} | {gap}
    others = sorted(expression.free_symbols - known, key=lambda s: s.name)
    sizes = {s: sp.Rational(3 + 2 * i, 7) for i, s in enumerate(others)}
    values = {s: -x if s.is_negative else x for s, x in sizes.items()} | {gap: sp.Rational(1, 3)}
    return [
        values | {s: sp.Rational(v) for group in groups for s, v in zip(group, numbers, strict=True)}
        for numbers in _COVARIANCES
    ]
