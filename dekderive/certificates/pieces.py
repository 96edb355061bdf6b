"""Cut a formula at its kinks and jumps into pieces that have none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cmp_to_key, lru_cache
from itertools import combinations, pairwise

import sympy as sp

from dekderive import atoms
from dekderive.certificates.enclosure import enclose
from dekderive.errors import NotCertified
from dekderive.symbols import z

__all__ = ["Piece", "slope", "smooth_pieces"]

_SWITCHES = (atoms.relu, atoms.step, sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min, sp.Piecewise)


@dataclass(frozen=True, slots=True)
class Piece:
    """A formula without switches that equals the function between two knots.

    Attributes
    ----------
    lower, upper : sympy.Expr
        Exact real numbers or infinities.
    expr : sympy.Expr
        In ``symbols.z``.
    """

    lower: sp.Expr
    upper: sp.Expr
    expr: sp.Expr


@lru_cache(maxsize=512)
def smooth_pieces(expr: sp.Expr) -> tuple[Piece, ...]:
    """Return the pieces of a function of z from left to right; the values at the knots themselves are lost.

    `relu`, `step`, `Abs`, `sign`, `Heaviside`, `Max`, `Min` and `Piecewise` are cut where their arguments (differences
    of arguments, sides of conditions) change sign; those must be polynomials in z between the knots of what is inside.

    Raises
    ------
    NotCertified
        If a switch depends on something whose zeros are not found exactly.

    Examples
    --------
    >>> for piece in smooth_pieces(sp.Max(1 - sp.Abs(z), 0)):
    ...     print(piece.lower, piece.upper, piece.expr)
    -oo -1 0
    -1 0 z + 1
    0 1 1 - z
    1 oo 0
    """
    pieces: tuple[Piece, ...] = (Piece(-sp.oo, sp.oo, sp.sympify(expr)),)
    while any(p.expr.has(*_SWITCHES) for p in pieces):
        pieces = tuple(part for piece in pieces for part in _cut(piece))
    return _merged(pieces)


@lru_cache(maxsize=512)
def slope(expr: sp.Expr) -> sp.Expr:
    """Return the derivative of a continuous function of z, for Price's theorem.

    A jump has a delta as its derivative, which no value at a point shows (SymPy's derivative of a `Piecewise` drops
    it): so continuity is checked at every knot.

    Raises
    ------
    NotCertified
        If the function jumps, or its continuity at a knot was not proved.

    Examples
    --------
    >>> slope(sp.Min(sp.Max(z, -1), 1))
    Piecewise((0, z < -1), (1, z < 1), (0, True))
    """
    pieces = smooth_pieces(expr)
    for left, right in pairwise(pieces):
        jump = (right.expr - left.expr).subs(z, left.upper)
        if jump != 0 and (enclose(jump, {}, 53).excludes_zero or not jump.equals(0)):
            raise NotCertified(
                f"{expr} is not known to be continuous at z = {left.upper}; its derivative has a delta there, which "
                "Price's theorem needs; take the derivative of the closed form instead"
            )
    if not expr.has(sp.Max, sp.Min, sp.Piecewise):
        # In a form whose growth is known: the branch 1/(1 - z) of 1/(1 + |z|) has a pole where it is not used.
        return expr.diff(z).replace(sp.DiracDelta, lambda *_: sp.S.Zero)  # they cancel, since nothing jumps
    *first, last = pieces
    return (
        last.expr.diff(z)
        if not first
        else sp.Piecewise(*((p.expr.diff(z), z < p.upper) for p in first), (last.expr.diff(z), True))
    )


def _cut(piece: Piece) -> Iterator[Piece]:
    """Cut one piece at the knots of its innermost switches, and write those without switching."""
    inner = {e for e in sp.preorder_traversal(piece.expr) if isinstance(e, _SWITCHES) and not _nested(e)}
    knots = {k for e in inner for k in _knots(e) if _inside(k, piece)}
    ends = [piece.lower, *sorted(knots, key=sp.default_sort_key), piece.upper]
    ends.sort(key=lambda e: float(e) if e.is_finite else (-1e300 if e == -sp.oo else 1e300))
    for lower, upper in pairwise(ends):
        point = _between(lower, upper)
        yield Piece(lower, upper, piece.expr.xreplace({e: _written(e, point) for e in inner}))


def _nested(e: sp.Expr) -> bool:
    return any(part.has(*_SWITCHES) for part in _parts(e))


def _parts(e: sp.Expr) -> list[sp.Basic]:
    return [part for branch in e.args for part in branch.args] if isinstance(e, sp.Piecewise) else list(e.args)


def _knots(e: sp.Expr) -> set[sp.Expr]:
    if isinstance(e, (sp.Max, sp.Min)):
        arguments = [a - b for a, b in combinations(e.args, 2)]
    elif isinstance(e, sp.Piecewise):
        relations = [r for _, condition in e.args for r in condition.atoms(sp.core.relational.Relational)]
        arguments = [r.lhs - r.rhs for r in relations]
    else:
        arguments = [e.args[0]]
    return {root for a in arguments for root in _real_roots(a)}


def _real_roots(argument: sp.Expr) -> list[sp.Expr]:
    if not argument.has(z) or argument.is_positive or argument.is_negative:
        return []
    polynomial = argument.as_poly(z)
    if polynomial is None or polynomial.free_symbols_in_domain:
        raise NotCertified(
            f"the zeros of {argument}, where a piece of the activation begins, are not found exactly; write the "
            "activation as a Piecewise whose conditions are polynomials in z"
        )
    if polynomial.degree() <= 2:
        return [root for root in sp.roots(polynomial) if root.is_real]
    return list(dict.fromkeys(sp.real_roots(polynomial)))


def _inside(knot: sp.Expr, piece: Piece) -> bool:
    return bool(knot > piece.lower) and bool(knot < piece.upper)


def _between(lower: sp.Expr, upper: sp.Expr) -> sp.Rational:
    if lower == -sp.oo and upper == sp.oo:
        return sp.S.Zero
    if lower == -sp.oo:
        return sp.floor(upper) - 1
    if upper == sp.oo:
        return sp.ceiling(lower) + 1
    middle = sp.Rational(str(sp.N((lower + upper) / 2, 30)))
    if not (bool(lower < middle) and bool(middle < upper)):
        raise NotCertified(f"the knots {lower} and {upper} are too close to be told apart; move one of them")
    return middle


def _written(e: sp.Expr, point: sp.Rational) -> sp.Expr:
    """Return what a switch is on the piece that contains `point`."""
    if isinstance(e, sp.Piecewise):
        return next((branch for branch, condition in e.args if condition.subs(z, point) == sp.true), sp.nan)
    if isinstance(e, (sp.Max, sp.Min)):
        ordered = sorted(e.args, key=cmp_to_key(lambda a, b: _order(a, b, point)))
        return ordered[-1] if isinstance(e, sp.Max) else ordered[0]
    argument = e.args[0]
    sign = 1 if argument.is_positive else -1 if argument.is_negative else _sign(argument, point)
    if isinstance(e, sp.Abs):
        return sign * argument
    if isinstance(e, sp.sign):
        return sp.Integer(sign)
    value = argument if isinstance(e, atoms.relu) else sp.S.One
    return value if sign > 0 else sp.S.Zero


def _order(first: sp.Expr, second: sp.Expr, point: sp.Rational) -> int:
    return _sign(first - second, point)


def _sign(argument: sp.Expr, point: sp.Rational) -> int:
    value = enclose(argument, {z: point}, 53)
    if not value.excludes_zero:
        raise NotCertified(f"the sign of {argument} at {point} is not decided; write the activation without it")
    return 1 if value.is_positive else -1


def _merged(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    merged: list[Piece] = []
    for piece in pieces:
        if merged and merged[-1].expr == piece.expr:
            merged[-1] = Piece(merged[-1].lower, piece.upper, piece.expr)
        else:
            merged.append(piece)
    return tuple(merged)
