"""Cut a function with kinks into cells on which it is smooth.

Every kinked function (relu, step, Abs, sign, Min, Max, Piecewise) changes its form where an affine function of `z`
changes sign.  Cells are refined from the innermost function outwards, so kinks may be nested.  Knots may be symbols, if
their assumptions put them in an order.
"""

from __future__ import annotations

from functools import cmp_to_key
from typing import NamedTuple

import sympy as sp
from sympy.core.relational import Relational

from dekderive.atoms import relu, step
from dekderive.duals.elements import sign_of
from dekderive.errors import NoClosedForm
from dekderive.symbols import z

__all__ = ["KINKED", "Piece", "pieces"]

KINKED = (relu, step, sp.Abs, sp.sign, sp.Heaviside, sp.Min, sp.Max, sp.Piecewise)


class Piece(NamedTuple):
    """The smooth form of a function on the open interval (start, end)."""

    start: sp.Expr
    end: sp.Expr
    form: sp.Expr


def pieces(expression: sp.Expr) -> list[Piece]:
    """Return the cells of a function in increasing order; together they cover the real line.

    Raises
    ------
    NoClosedForm
        If a kink is not at the zero of an affine function, or two knots cannot be ordered.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> pieces(relu(z) - relu(z - 1))
    [Piece(start=-oo, end=0, form=0), Piece(start=0, end=1, form=z), Piece(start=1, end=oo, form=1)]
    """
    if not expression.has(z) or not expression.has(*KINKED):
        return [Piece(-sp.oo, sp.oo, expression)]
    if isinstance(expression, sp.Piecewise):
        cells = _piecewise(expression)
    else:
        arguments = list(expression.args)
        cells = [
            piece
            for start, end, forms in _refine([pieces(a) for a in arguments])
            for piece in _apply(expression, start, end, forms)
        ]
    return _joined(cells)


def _compare(left: sp.Expr, right: sp.Expr) -> int:
    if left == right:
        return 0
    if -sp.oo in (left, right) or sp.oo in (left, right):
        return -1 if left == -sp.oo or right == sp.oo else 1
    order = sign_of(sp.expand(left - right))
    if order is None:
        raise NoClosedForm(f"the knots {left} and {right} cannot be ordered: give them values or assumptions")
    return order


def _refine(lists: list[list[Piece]]) -> list[tuple[sp.Expr, sp.Expr, list[sp.Expr]]]:
    """Common refinement of several covers of the line: (start, end, the form of each on it)."""
    ends = sorted({p.end for cells in lists for p in cells}, key=cmp_to_key(_compare))
    ends = [e for i, e in enumerate(ends) if i == 0 or _compare(ends[i - 1], e) != 0]
    refined, start, index = [], -sp.oo, [0] * len(lists)
    for end in ends:
        refined.append((start, end, [cells[i].form for cells, i in zip(lists, index, strict=True)]))
        index = [
            min(i + 1, len(cells) - 1) if _compare(cells[i].end, end) == 0 else i
            for cells, i in zip(lists, index, strict=True)
        ]
        start = end
    return refined


def _apply(expression: sp.Expr, start: sp.Expr, end: sp.Expr, forms: list[sp.Expr]) -> list[Piece]:
    if isinstance(expression, sp.Min | sp.Max):
        return _extreme(isinstance(expression, sp.Max), start, end, forms)
    if not isinstance(expression, KINKED):
        return [Piece(start, end, expression.func(*forms))]
    x = forms[0]
    values = {relu: (sp.S.Zero, x), sp.Abs: (-x, x), sp.sign: (-sp.S.One, sp.S.One)}
    low, high = values.get(type(expression), (sp.S.Zero, sp.S.One))
    return [Piece(*ends, high if sign > 0 else low) for ends, sign in _signs(x, start, end, expression)]


def _extreme(largest: bool, start: sp.Expr, end: sp.Expr, forms: list[sp.Expr]) -> list[Piece]:
    cells = [Piece(start, end, forms[0])]
    for form in forms[1:]:
        cells = [
            Piece(*ends, form if (sign > 0) == largest else cell.form)
            for cell in cells
            for ends, sign in _signs(form - cell.form, cell.start, cell.end, form)
        ]
    return cells


def _signs(switch: sp.Expr, start: sp.Expr, end: sp.Expr, where: sp.Expr) -> list[tuple[tuple[sp.Expr, sp.Expr], int]]:
    """Sub-cells on which an affine function keeps its sign (where it is 0 throughout, either branch will do)."""
    switch = sp.expand(switch)
    slope = switch.coeff(z)
    constant = sp.expand(switch - slope * z)
    order = sign_of(slope) if not slope.has(z) and not constant.has(z) else None
    sign = sign_of(constant) if order == 0 else order
    if sign is None:
        raise NoClosedForm(
            f"the kink of {where} must be at the zero of an affine function whose slope has a known sign"
        )
    if order == 0:
        return [((start, end), sign or 1)]
    knot = sp.expand(-constant / slope)
    if _compare(knot, start) <= 0:
        return [((start, end), sign)]
    if _compare(knot, end) >= 0:
        return [((start, end), -sign)]
    return [((start, knot), -sign), ((knot, end), sign)]


def _piecewise(expression: sp.Piecewise) -> list[Piece]:
    """The branch that is taken on each cell; a boundary belongs to either, because a Gaussian never lands there."""
    relations = sorted(
        {r for _, c in expression.args for r in c.atoms(Relational) if r.has(z)}, key=sp.default_sort_key
    )
    switches = [pieces(r.lhs - r.rhs) for r in relations]
    refined = _refine([*(pieces(e) for e, _ in expression.args), *switches])
    cells = []
    for start, end, forms in refined:
        inner: list[tuple[sp.Expr, sp.Expr, dict[Relational, sp.Basic]]] = [(start, end, {})]
        for relation, switch in zip(relations, forms[len(expression.args) :], strict=True):
            inner = [
                (*ends, truth | {relation: _holds(relation, sign)})
                for low, high, truth in inner
                for ends, sign in _signs(switch, low, high, relation)
            ]
        for low, high, truth in inner:
            cells.append(Piece(low, high, _branch(expression, forms, truth)))
    return cells


def _holds(relation: Relational, sign: int) -> sp.Basic:
    if isinstance(relation, sp.Eq):
        return sp.false
    if isinstance(relation, sp.Ne):
        return sp.true
    return sp.true if isinstance(relation, sp.Gt | sp.Ge) == (sign > 0) else sp.false


def _branch(expression: sp.Piecewise, forms: list[sp.Expr], truth: dict[Relational, sp.Basic]) -> sp.Expr:
    for (_, condition), form in zip(expression.args, forms, strict=False):
        decided = condition.xreplace(truth)
        if decided == sp.true:
            return form
        if decided != sp.false:
            raise NoClosedForm(f"the condition {condition} of {expression} cannot be decided: give its symbols values")
    raise NoClosedForm(f"{expression} is not defined on the whole line: add a branch for the remaining cases")


def _joined(cells: list[Piece]) -> list[Piece]:
    joined = cells[:1]
    for cell in cells[1:]:
        if cell.form == joined[-1].form:
            joined[-1] = joined[-1]._replace(end=cell.end)
        else:
            joined.append(cell)
    return joined
