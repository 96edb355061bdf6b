"""Rigorous values of expressions at exact points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

import mpmath
import sympy as sp

from dekderive.certificates.balls import evaluate, is_tiny, to_enclosure, working_precision
from dekderive.certificates.interval import Enclosure
from dekderive.errors import InvalidInput
from dekderive.verdict import Verdict

__all__ = ["Enclosure", "Exact", "as_exact", "enclose", "format_point", "zero_verdict"]

Exact: TypeAlias = int | Fraction | sp.Expr

_INEXACT = (sp.Float, sp.I, sp.oo, -sp.oo, sp.zoo, sp.nan)
_GUARD_BITS = 32


def enclose(expr: sp.Expr, values: Mapping[sp.Symbol, Exact], precision: int = 128) -> Enclosure:
    r"""Return an interval that provably contains `expr` at an exact point.

    The working precision doubles until `precision` bits are correct, or the interval around 0 is narrower than
    :math:`2^{-8 p}`, or sixteen times the precision is spent.

    Parameters
    ----------
    expr : sympy.Expr
        Built from rational numbers, pi, E, arithmetic, the elementary functions, erf, erfc, erfi, besseli, gamma,
        LambertW and the atoms.
    values : mapping of symbol to exact number
        Integers, fractions, or SymPy numbers without floats (``sqrt(2)``, ``pi/3``).
    precision : int
        Wanted number of correct bits.

    Returns
    -------
    Enclosure
        With infinite ends where `expr` is undefined at the point (the logarithm of a negative number), or where the
        precision did not suffice to tell.

    Raises
    ------
    UndeclaredSymbol
        If a symbol has no value, or a float occurs.
    UnprintableNode
        If `expr` contains a function without a rule; the message names it.

    Examples
    --------
    >>> from dekderive.atoms import softplus
    >>> from dekderive.symbols import z
    >>> print(enclose(softplus(z), {z: -50}))
    1.9287498479639178e-22 ± ...
    """
    exact = {symbol: as_exact(value) for symbol, value in values.items()}
    work, limit = precision + _GUARD_BITS, max(4096, 16 * precision)
    while True:
        with working_precision(work):
            ball = evaluate(sp.sympify(expr, strict=True), exact)
            # A zero never gains relative accuracy; a tiny value (the tail of erfc) does, if given a few more bits.
            tiny = work >= 8 * precision and is_tiny(ball, 8 * precision)
            if (ball.is_finite() and (tiny or ball.rel_accuracy_bits() >= precision)) or work >= limit:
                return to_enclosure(ball)
        work *= 2


def zero_verdict(
    expr: sp.Expr, points: Sequence[Mapping[sp.Symbol, Exact]], precision: int = 128
) -> tuple[Verdict, str]:
    """Test at exact points whether `expr` vanishes identically.

    Balls can refute an identity, and only a symbolic argument can prove one: FAILS is a proof, HOLDS is returned only
    for an expression that SymPy wrote as 0, and UNDECIDED says how closely the points agree with 0.

    Parameters
    ----------
    expr : sympy.Expr
    points : sequence of mappings from symbol to exact number
    precision : int
        Bits, as for `enclose`.

    Returns
    -------
    verdict : Verdict
    detail : str
        The point that refutes, or the evidence.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> zero_verdict(sp.tanh(z) - z, [{z: sp.Rational(1, 3)}])[0]
    <Verdict.FAILS: 'fails'>
    """
    if expr == 0:
        return Verdict.HOLDS, "identically zero as written"
    widest = mpmath.mpf(0)
    for point in points:
        value = enclose(expr, point, precision)
        if value.excludes_zero:
            return Verdict.FAILS, f"the value is {value}, not 0, at {format_point(point)}"
        if not value.is_finite:
            return Verdict.UNDECIDED, f"undefined, or not resolved, at {format_point(point)}"
        widest = max(widest, value.radius)
    count = "1 point" if len(points) == 1 else f"{len(points)} points"
    return Verdict.UNDECIDED, f"consistent with 0 at {count}, to within {mpmath.nstr(widest, 2)}"


def format_point(point: Mapping[sp.Symbol, Exact]) -> str:
    """Return ``"kxx = 1/2, z = 3"``, sorted by name."""
    return ", ".join(f"{s} = {point[s]}" for s in sorted(point, key=str)) or "the only point"


def as_exact(value: Exact) -> sp.Expr:
    """Return an exact real number as a SymPy number; a float is refused because it hides what was meant."""
    try:
        number = sp.sympify(value, strict=True)
    except sp.SympifyError:
        number = None
    if number is None or not isinstance(number, sp.Expr) or number.free_symbols or number.has(*_INEXACT):
        raise InvalidInput(f"{value!r} is not an exact real number; use an integer, Rational(1, 10), sqrt(2), pi, ...")
    return number
