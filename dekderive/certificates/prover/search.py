"""Branch and bound: a split tree for one inequality on a box, or the point that refutes it, or the box that resists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product

from dekderive.certificates.checker.claims import Obligation
from dekderive.certificates.checker.elementary import ONE
from dekderive.certificates.checker.intervals import OutOfDomain
from dekderive.certificates.checker.programs import Program, derivative, evaluate
from dekderive.certificates.checker.trees import LEAF_FORMS, Box, as_intervals
from dekderive.verdict import Verdict

__all__ = ["Found", "find_tree"]

PIECES = 20_000
_FAR = 1 << 64  # what resists so far out does so for a reason that no cut removes
_NARROW = Fraction(1, 1 << 80)  # pieces below this size are not cut: a tangency cannot be proved by cutting


@dataclass(frozen=True)
class Found:
    """A tree where the inequality HOLDS, a point where it FAILS, the smallest resisting piece where it is UNDECIDED."""

    verdict: Verdict
    tree: list[object]
    point: dict[str, Fraction] | None = None
    piece: Box | None = None


def find_tree(obligation: Obligation, pieces: int = PIECES) -> Found:
    """Look for a proof of ``program <= bound`` on a box, by at most `pieces` pieces."""
    program, bound = obligation.program, obligation.bound
    point = _sampled(program, obligation.box, bound)
    if point is not None:
        return Found(Verdict.FAILS, [], point=point)
    tree: list[object] = []
    stack: list[Box] = [obligation.box]
    for _ in range(pieces):
        if not stack:
            return Found(Verdict.HOLDS, tree)
        piece = stack.pop()
        form = _proves(program, piece, bound)
        if form is not None:
            tree.append(form)
            continue
        point = _counterexample(program, piece, bound)
        if point is not None:
            return Found(Verdict.FAILS, [], point=point)
        axis, cut = _cut(program, piece)
        if cut is None:
            return Found(Verdict.UNDECIDED, [], piece=piece)
        name = list(piece)[axis]
        low, high = piece[name]
        tree.append([axis, f"{cut.numerator}/{cut.denominator}" if cut.denominator != 1 else str(cut.numerator)])
        stack += [{**piece, name: (cut, high)}, {**piece, name: (low, cut)}]
    return Found(Verdict.HOLDS, tree) if not stack else Found(Verdict.UNDECIDED, [], piece=stack[-1])


def _proves(program: Program, piece: Box, bound: Fraction) -> str | None:
    for name, form in LEAF_FORMS.items():
        try:
            if form(program, piece).at_most(bound):
                return name
        except OutOfDomain:
            continue
    return None


def middle(piece: Box) -> dict[str, Fraction]:
    """A point inside: the middle, or a step away from the finite end."""
    return {name: _between(low, high) for name, (low, high) in piece.items()}


def _between(low: Fraction | None, high: Fraction | None) -> Fraction:
    if low is None and high is None:
        return Fraction(0)
    if low is None:
        assert high is not None
        return min(Fraction(-1), 2 * high) if high <= 0 else Fraction(-1)
    if high is None:
        return max(Fraction(1), 2 * low) if low >= 0 else Fraction(1)
    return (low + high) / 2


def _counterexample(program: Program, piece: Box, bound: Fraction) -> dict[str, Fraction] | None:
    """A point at which the value is certainly above the bound: the middle, or an end."""
    points = [middle(piece)]
    for name, (low, high) in piece.items():
        points += [points[0] | {name: end} for end in (low, high) if end is not None]
    return _first_above(program, points, bound)


def _sampled(program: Program, box: Box, bound: Fraction) -> dict[str, Fraction] | None:
    """A coarse look before any cutting: ends, places close to them, and the middle, of all variables."""
    places = []
    for low, high in box.values():
        inside = _between(low, high)
        near = [e + (inside - e) / 1024 for e in (low, high) if e is not None]
        places.append([inside, *near, *(e for e in (low, high) if e is not None)])
    combinations = islice(product(*places), 512)
    return _first_above(program, [dict(zip(box, c, strict=True)) for c in combinations], bound)


def _first_above(
    program: Program, points: Sequence[dict[str, Fraction]], bound: Fraction
) -> dict[str, Fraction] | None:
    for point in points:
        try:
            value = evaluate(program, as_intervals({name: (x, x) for name, x in point.items()}))
        except OutOfDomain:
            continue
        if value.low is not None and value.low * bound.denominator > bound.numerator * ONE:
            return point
    return None


def _cut(program: Program, piece: Box) -> tuple[int, Fraction | None]:
    """The variable that contributes most to the width, and where to cut it; None if nothing can be cut."""
    whole = as_intervals(piece)
    best, axis = Fraction(-1), 0
    for i, (name, (low, high)) in enumerate(piece.items()):
        if low is None or high is None:
            cut = _between(low, high)
            return (i, cut) if abs(cut) < _FAR else (0, None)
        if high - low <= _NARROW * max(Fraction(1), abs(low), abs(high)):
            continue
        try:
            slope = evaluate(derivative(program, name), whole).magnitude().high
        except OutOfDomain:
            slope = None
        # Where the slope is unbounded the width decides, ahead of every variable with a bounded slope.
        weight = (high - low) * (Fraction(10**9) if slope is None else Fraction(min(slope, 1 << 160), ONE))
        if weight > best:
            best, axis = weight, i
    if best < 0:
        return 0, None
    name = list(piece)[axis]
    low, high = piece[name]
    assert low is not None
    assert high is not None
    return axis, _simple_between(low, high)


def _simple_between(low: Fraction, high: Fraction) -> Fraction:
    """A dyadic number near the middle with few digits: certificates stay small."""
    width = high - low
    scale = 1
    while width * scale < 8:
        scale *= 2
    return Fraction(round((low + high) / 2 * scale), scale)
