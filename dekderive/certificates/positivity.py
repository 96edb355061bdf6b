"""Proofs of inequalities on a compact interval, by branch and bound."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from fractions import Fraction

import mpmath
import sympy as sp

from dekderive.certificates.balls import as_ball, to_enclosure, working_precision
from dekderive.certificates.enclosure import Exact, as_exact, enclose
from dekderive.certificates.ranges import Range, range_of
from dekderive.errors import InvalidInput
from dekderive.verdict import Verdict

__all__ = ["positive_verdict"]


def positive_verdict(
    expr: sp.Expr,
    symbol: sp.Symbol,
    lower: Exact,
    upper: Exact,
    max_boxes: int = 4096,
    precision: int = 128,
) -> tuple[Verdict, str]:
    """Prove that an expression in one symbol is positive on a compact interval; ``bound - expr`` proves a bound.

    The interval is bisected until a rigorous range of each piece is positive.  The range of a piece is the sharpest of
    three: term by term, the mean-value form, and (where the derivative keeps its sign) the end points.

    Parameters
    ----------
    expr : sympy.Expr
        With no other symbol than `symbol`.
    symbol : sympy.Symbol
    lower, upper : exact rational numbers
    max_boxes : int
        How many pieces to try.  A bound that is attained has no finite proof of this kind: leave some slack.
    precision : int
        Working precision in bits.

    Returns
    -------
    verdict : Verdict
        HOLDS (a proof), FAILS (at the point named in `detail`), or UNDECIDED.
    detail : str
        The number of pieces, the point, or the smallest piece that resisted.

    Raises
    ------
    InvalidInput
        If the ends are not rational numbers in order.

    Examples
    --------
    >>> from dekderive.atoms import expit
    >>> from dekderive.symbols import z
    >>> positive_verdict(sp.Rational(26, 100) - expit(z) * expit(-z), z, -8, 8)[0]
    <Verdict.HOLDS: 'holds'>
    >>> positive_verdict(sp.Rational(24, 100) - expit(z) * expit(-z), z, -8, 8)
    (<Verdict.FAILS: 'fails'>, 'the value is -0.01 ± ... at z = 0')
    """
    low, high = (_rational(end) for end in (lower, upper))
    if low > high:
        raise InvalidInput(f"the interval [{lower}, {upper}] is empty; give its lower end first")
    for point in (low, high):
        refuted = _refutation(expr, symbol, point, precision)
        if refuted:
            return Verdict.FAILS, refuted
    problem = _Problem(expr, _derivative(expr, symbol), symbol, precision)
    count = 1
    queue = [(problem.lower_bound(low, high), low, high)]  # the least positive piece first
    while queue and queue[0][0] <= 0:
        _, a, b = heapq.heappop(queue)
        middle = (a + b) / 2
        refuted = _refutation(expr, symbol, middle, precision)
        if refuted:
            return Verdict.FAILS, refuted
        if count >= max_boxes or a == b:
            return (
                Verdict.UNDECIDED,
                f"{count} pieces tried; not decided near {symbol} = {float(a):.6g}, width {float(b - a):.2g}",
            )
        for piece in ((a, middle), (middle, b)):
            count += 1
            heapq.heappush(queue, (problem.lower_bound(*piece), *piece))
    pieces = "1 piece" if count == 1 else f"{count} pieces"
    return Verdict.HOLDS, f"proved for {symbol} in [{low}, {high}] with {pieces}"


@dataclass(frozen=True)
class _Problem:
    expr: sp.Expr
    derivative: sp.Expr | None
    symbol: sp.Symbol
    precision: int

    def lower_bound(self, a: Fraction, b: Fraction) -> mpmath.mpf:
        """Return a lower bound on [a, b], minus infinity where nothing is known."""
        with working_precision(self.precision):
            bounds = self.bounds(a, b)
            return mpmath.mpf("-inf") if bounds is None else to_enclosure(bounds[0]).lower

    def bounds(self, a: Fraction, b: Fraction) -> Range:
        """Return the sharpest range on [a, b] that the three forms give."""
        natural = range_of(self.expr, self.symbol, a, b)
        slope = None if self.derivative is None else range_of(self.derivative, self.symbol, a, b)
        # Without a bound of the function itself there may be a pole inside, which the derivative does not show.
        if natural is None or slope is None or a == b:
            return natural
        left, right = (self.at(x) for x in (a, b))
        if left is None or right is None:
            return natural
        if slope[0] >= 0:
            return left[0], right[1]
        if slope[1] <= 0:
            return right[0], left[1]
        middle = self.at((a + b) / 2)
        if middle is None:
            return natural
        reach = max(-slope[0], slope[1]) * as_ball((b - a) / 2)
        return max(natural[0], (middle[0] - reach).lower()), min(natural[1], (middle[1] + reach).upper())

    def at(self, x: Fraction) -> Range:
        return range_of(self.expr, self.symbol, x, x)


def _rational(value: Exact) -> Fraction:
    number = as_exact(value)
    if not number.is_Rational:
        raise InvalidInput(f"the end {value} of the interval is not rational; enlarge the interval a little")
    return Fraction(int(number.p), int(number.q))


def _derivative(expr: sp.Expr, symbol: sp.Symbol) -> sp.Expr | None:
    """Return the derivative where it is a function (a jump has none that an interval could use)."""
    derivative = expr.diff(symbol)
    # With Abs, sign, floor, ... the mean-value theorem may not apply; with a step it does not.
    smooth = not expr.has(sp.Heaviside, sp.sign) and not derivative.has(sp.DiracDelta, sp.Derivative, sp.Subs)
    return derivative if smooth else None


def _refutation(expr: sp.Expr, symbol: sp.Symbol, point: Fraction, precision: int) -> str:
    value = enclose(expr, {symbol: point}, precision)
    return f"the value is {value} at {symbol} = {point}" if value.is_finite and value.upper <= 0 else ""
