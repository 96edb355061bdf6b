"""One inequality on a box, proved by a split tree: halves of halves, and for each piece a reason.

A tree is a list in preorder.  ``[axis, "cut"]`` cuts the box at a number, the part below first; a leaf is a word:

* ``"natural"``: the values that interval arithmetic allows are below the bound;
* ``"monotone"``: a variable in which the derivative has one sign on the box may be set to one of its ends;
* ``"mean value"``: f(x) is in f(middle) + sum_i f_i(box) (x_i - middle_i).

Since the parts of a cut cover what was cut, whatever the tree, the leaves cover the domain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from dekderive.certificates.checker.intervals import Interval, OutOfDomain, rational
from dekderive.certificates.checker.programs import Malformed, Program, derivative, evaluate, read_rational
from dekderive.errors import DekderiveError

__all__ = ["LEAF_FORMS", "Box", "Budget", "Refused", "as_intervals", "prove_at_most", "read_end"]

Box = Mapping[str, tuple["Fraction | None", "Fraction | None"]]  # exact ends; None is infinite


class Refused(DekderiveError):
    """A proof that does not prove its claim: the message says which piece of the domain resists."""


@dataclass
class Budget:
    """How many pieces may be looked at, so that no certificate can keep a checker busy for ever."""

    pieces: int = 200_000

    def spend(self) -> None:
        """Count one piece."""
        self.pieces -= 1
        if self.pieces < 0:
            raise Refused("the proof has more pieces than the checker's budget")


def read_end(text: object) -> Fraction | None:
    """An end of a domain; None for an infinite one."""
    return None if text in ("inf", "-inf") else read_rational(text)


def prove_at_most(program: Program, box: Box, bound: Fraction, tree: object, budget: Budget | None = None) -> None:
    """Check a proof of ``program <= bound`` on a box.

    Raises
    ------
    Malformed
        If the tree is none.
    Refused
        If a leaf does not prove its piece.
    """
    if not isinstance(tree, list):
        raise Malformed("a tree must be a list")
    nodes = iter(tree)
    stack: list[Box] = [box]
    count = budget or Budget()
    while stack:
        piece = stack.pop()
        count.spend()
        node = _next(nodes)
        if isinstance(node, str):
            _prove_leaf(program, piece, bound, node)
        else:
            stack.extend(reversed(_cut(piece, node)))
    if next(nodes, None) is not None:
        raise Malformed("the tree goes on after its last leaf")


def _next(nodes: Iterator[object]) -> object:
    for node in nodes:
        return node
    raise Malformed("the tree ends before every piece has a leaf")


def _cut(box: Box, node: object) -> tuple[Box, Box]:
    if not isinstance(node, list) or len(node) != 2 or type(node[0]) is not int or not 0 <= node[0] < len(box):
        raise Malformed(f"a node of a tree must be a leaf or [axis, 'cut'], got {str(node)[:40]!r}")
    name = list(box)[node[0]]
    place = read_rational(node[1])
    low, high = box[name]
    if (low is not None and place <= low) or (high is not None and place >= high):
        raise Malformed(f"the cut of {name} at {place} is outside of the piece")
    return {**box, name: (low, place)}, {**box, name: (place, high)}


def _prove_leaf(program: Program, box: Box, bound: Fraction, form: str) -> None:
    if form not in LEAF_FORMS:
        raise Malformed(f"a leaf must be one of {', '.join(LEAF_FORMS)}, got {form[:20]!r}")
    try:
        value = LEAF_FORMS[form](program, box)
    except OutOfDomain as error:
        raise Refused(f"{error}, on the piece {_shown(box)}") from None
    if not value.at_most(bound):
        raise Refused(f"the {form} form does not prove the bound {bound} on the piece {_shown(box)}")


def as_intervals(box: Box) -> dict[str, Interval]:
    """Round a box outwards."""
    return {name: _interval(low, high) for name, (low, high) in box.items()}


def _interval(low: Fraction | None, high: Fraction | None) -> Interval:
    return Interval(None if low is None else rational(low).low, None if high is None else rational(high).high)


def _natural(program: Program, box: Box) -> Interval:
    return evaluate(program, as_intervals(box))


def _monotone(program: Program, box: Box) -> Interval:
    """The largest value: each variable in which the program is monotone is set to the end where it is largest."""
    whole, corner = as_intervals(box), dict(box)
    for name, (low, high) in box.items():
        slope = evaluate(derivative(program, name), whole)
        if slope.positive and high is not None:
            corner[name] = (high, high)
        elif slope.negative and low is not None:
            corner[name] = (low, low)
    return evaluate(program, as_intervals(corner))


def _mean_value(program: Program, box: Box) -> Interval:
    middle: dict[str, tuple[Fraction | None, Fraction | None]] = {}
    for name, (low, high) in box.items():
        if low is None or high is None:
            raise OutOfDomain("the mean value form needs a bounded piece")
        middle[name] = ((low + high) / 2,) * 2
    whole, centre = as_intervals(box), as_intervals(middle)
    total = evaluate(program, centre)
    for name in box:
        total = total + evaluate(derivative(program, name), whole) * (whole[name] - centre[name])
    return total


LEAF_FORMS = {"natural": _natural, "monotone": _monotone, "mean value": _mean_value}


def _shown(box: Box) -> str:
    def end(value: Fraction | None, infinite: str) -> str:
        return infinite if value is None else str(value) if len(str(value)) < 24 else f"{float(value):.12g}"

    return ", ".join(f"{name} in [{end(low, '-inf')}, {end(high, 'inf')}]" for name, (low, high) in box.items())
