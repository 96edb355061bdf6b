"""Checks by their kind: identities, certificates, and agreement of random draws or of a simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from dekderive.certificates import enclose, positive_verdict, zero_verdict
from dekderive.certificates.enclosure import Exact
from dekderive.errors import UnprintableNode
from dekderive.verdict import Check, Verdict

__all__ = ["agrees", "bounded", "brackets", "exact", "identity", "positive"]


def identity(name: str, statement: str, difference: sp.Expr | Sequence[sp.Expr]) -> Check:
    """Check that an expression (or each of several) vanishes identically.

    HOLDS only if rewriting ends in the number 0; FAILS only if a ball at an exact point excludes 0.

    Parameters
    ----------
    name, statement : str
    difference : sympy.Expr or sequence of them

    Returns
    -------
    Check

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> identity("square", "(x + 1)^2 = x^2 + 2x + 1", (x + 1) ** 2 - x**2 - 2 * x - 1).verdict.name
    'HOLDS'
    >>> identity("square", "(x + 1)^2 = x^2 + 1", (x + 1) ** 2 - x**2 - 1).verdict.name
    'FAILS'
    """
    expressions = [difference] if isinstance(difference, sp.Expr) else list(difference)
    for expression in expressions:
        verdict, detail = _vanishes(sp.sympify(expression))
        if verdict is not Verdict.HOLDS:
            return Check(name, statement, verdict, detail)
    count = f"{len(expressions)} expressions are" if len(expressions) > 1 else "the difference is"
    return Check(name, statement, Verdict.HOLDS, f"{count} identically zero")


def _vanishes(expression: sp.Expr) -> tuple[Verdict, str]:
    for rewrite in (sp.expand, sp.cancel, sp.simplify, lambda e: sp.simplify(e.rewrite(sp.exp))):
        if rewrite(expression) == 0:
            return Verdict.HOLDS, "identically zero"
    symbols = sorted(expression.free_symbols, key=str)
    points = [{s: sp.Rational(7 + 3 * i + 5 * j, 11 + j) for i, s in enumerate(symbols)} for j in range(3)]
    try:
        return zero_verdict(expression, points)
    except UnprintableNode as error:
        return Verdict.UNDECIDED, f"not rewritten to 0, and not evaluated: {error}"


def positive(name: str, statement: str, expression: sp.Expr, values: Mapping[sp.Symbol, Exact] | None = None) -> Check:
    """Check by ball arithmetic that a number is positive.

    Examples
    --------
    >>> positive("pi", "pi > 3", sp.pi - 3).verdict.name
    'HOLDS'
    """
    ball = enclose(expression, values or {})
    verdict = Verdict.HOLDS if ball.is_positive else Verdict.FAILS if ball.upper <= 0 else Verdict.UNDECIDED
    return Check(name, statement, verdict, f"the difference is {float(ball):.6g}, by ball arithmetic")


def bounded(name: str, statement: str, excess: sp.Expr, symbol: sp.Symbol, low: Exact, high: Exact) -> Check:
    """Check by branch and bound that an expression is positive on an interval with rational ends.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> bounded("square", "x^2 < 2 on [-1, 1]", 2 - x**2, x, -1, 1).verdict.name
    'HOLDS'
    """
    verdict, detail = positive_verdict(excess, symbol, low, high)
    return Check(name, statement, verdict, detail)


def brackets(
    name: str, statement: str, expression: sp.Expr, symbol: sp.Symbol, low: Exact, high: Exact, *, rising: bool = True
) -> Check:
    """Check by balls that a continuous expression changes sign between two rational points: a root lies there.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> brackets("root", "sqrt(2) = 1.414...", x**2 - 2, x, sp.Rational("1.414"), sp.Rational("1.415")).verdict.name
    'HOLDS'
    """
    sign = 1 if rising else -1
    below, above = (enclose(sign * expression, {symbol: point}) for point in (low, high))
    if below.is_negative and above.is_positive:
        verdict = Verdict.HOLDS
    else:
        verdict = Verdict.FAILS if below.is_positive or above.is_negative else Verdict.UNDECIDED
    return Check(name, statement, verdict, f"values {float(below):.3g} and {float(above):.3g} at the two ends")


def exact(name: str, statement: str, truth: bool, detail: str = "exact rational arithmetic") -> Check:
    """Record what exact arithmetic or a finite enumeration decided.

    Examples
    --------
    >>> exact("sum", "1/2 + 1/3 = 5/6", sp.Rational(1, 2) + sp.Rational(1, 3) == sp.Rational(5, 6)).verdict.name
    'HOLDS'
    """
    return Check(name, statement, Verdict.HOLDS if truth else Verdict.FAILS, detail)


def agrees(name: str, statement: str, worst: float, tolerance: float, draws: int, what: str = "draws") -> Check:
    """Compare the worst of many random draws with a tolerance: it refutes, or it is consistent; it proves nothing.

    Examples
    --------
    >>> agrees("residual", "the equation holds", 1e-15, 1e-12, 200).detail
    'consistent on 200 draws, worst 1e-15 (tolerance 1e-12)'
    """
    if worst <= tolerance:
        detail = f"consistent on {draws} {what}, worst {_rounded(worst)} (tolerance {tolerance:.2g})"
        return Check(name, statement, Verdict.UNDECIDED, detail)
    detail = f"violated on {draws} {what}: worst {worst:.3g} (tolerance {tolerance:.2g})"
    return Check(name, statement, Verdict.FAILS, detail)


def _rounded(worst: float) -> str:
    """Rounding noise differs between machines; its size is all that matters."""
    return f"{worst:.0e}" if 0 < worst < 1e-9 else f"{worst:.2g}"
