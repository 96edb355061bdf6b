"""Two proofs that need no tree: upper sums of a Gaussian expectation, and Krawczyk's test of a small box."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from dekderive.certificates.checker import intervals
from dekderive.certificates.checker.intervals import Interval, OutOfDomain, rational
from dekderive.certificates.checker.programs import Malformed, Program, derivative, evaluate, read_program, read_rational
from dekderive.certificates.checker.trees import LEAF_FORMS, Box, Refused, as_intervals

__all__ = ["prove_existence", "prove_expectation"]

LARGEST_PARTITION = 50_000


def prove_expectation(claim: Mapping[str, object], box: Box, cuts: object) -> None:
    """Check ``E[h(u)] <= at_most`` for u ~ N(0, variance): the sum over cells of (upper bound of h) P(cell).

    Raises
    ------
    Malformed, Refused
    """
    if list(box.values()) != [(None, None)]:
        raise Malformed("an expectation has one variable, on the whole line")
    program, variance = read_program(claim.get("program"), list(box)), read_rational(claim.get("variance"))
    bound = read_rational(claim.get("at_most"))
    if variance <= 0:
        raise Malformed("a variance is positive")
    if not isinstance(cuts, list) or len(cuts) > LARGEST_PARTITION:
        raise Malformed("the proof of an expectation is the list of its cuts")
    places = [read_rational(c) for c in cuts]
    if any(a >= b for a, b in zip(places, places[1:], strict=False)):
        raise Malformed("the cuts must increase")
    (name,) = box
    scale = intervals.sqrt(rational(2 * variance))
    ends: list[Fraction | None] = [None, *places, None]
    total = rational(Fraction(0))
    for low, high in zip(ends, ends[1:], strict=False):
        total = total + _largest(program, {name: (low, high)}) * _mass(low, high, scale)
    if not total.at_most(bound):
        raise Refused(f"the upper sum is not below {bound}")


def _mass(low: Fraction | None, high: Fraction | None, scale: Interval) -> Interval:
    """The probability of a cell, half the difference of two error functions."""
    left, right = (
        intervals.erf(Interval(None, None) if end is None else rational(end) / scale) for end in (low, high)
    )
    minus, plus = rational(Fraction(-1)), rational(Fraction(1))
    difference = (plus if high is None else right) - (minus if low is None else left)
    return difference * rational(Fraction(1, 2))


def _largest(program: Program, cell: Box) -> Interval:
    """The best upper bound that one of the leaf forms gives, as a number."""
    best: int | None = None
    # The middle of a cell and the slope on all of it give a bound whose excess falls like the square of the width;
    # on an infinite cell only the values themselves can be bounded.
    for form in (LEAF_FORMS["mean value"], LEAF_FORMS["natural"]):
        if best is not None:
            break
        try:
            high = form(program, cell).high
        except OutOfDomain:
            continue
        if high is not None and (best is None or high < best):
            best = high
    if best is None:
        raise Refused("the integrand is not bounded on some cell")
    return Interval(best, best)


def prove_existence(claim: Mapping[str, object], box: Box) -> None:
    """Check that a system F = 0 has exactly one solution in a box X, by K(X) inside X (Krawczyk 1969).

    K(X) = m - Y F(m) + (1 - Y F'(X)) (X - m), with any matrix Y and the middle m of X.

    Raises
    ------
    Malformed, Refused
    """
    names = list(box)
    equations, matrix = claim.get("equations"), claim.get("preconditioner")
    square = isinstance(matrix, list) and all(isinstance(r, list) and len(r) == len(names) for r in matrix)
    if not isinstance(equations, list) or not square or {len(equations), len(matrix)} != {len(names)}:  # type: ignore[arg-type]
        raise Malformed("existence needs as many equations as variables, and a square preconditioner")
    if any(low is None or high is None for low, high in box.values()):
        raise Malformed("existence needs a bounded box")
    programs = [read_program(e, names) for e in equations]
    rows = [[rational(read_rational(y)) for y in row] for row in matrix]  # type: ignore[union-attr]
    middle: Box = {n: ((low + high) / 2,) * 2 for n, (low, high) in box.items()}  # type: ignore[operator,misc]
    whole, centre = as_intervals(box), as_intervals(middle)
    values = [evaluate(p, centre) for p in programs]
    slopes = [[evaluate(derivative(p, n), whole) for n in names] for p in programs]
    for i, name in enumerate(names):
        image = centre[name]
        for y, value in zip(rows[i], values, strict=True):
            image = image - y * value
        for j, other in enumerate(names):
            rest = rational(Fraction(int(i == j)))
            for y, row in zip(rows[i], slopes, strict=True):
                rest = rest - y * row[j]
            image = image + rest * (whole[other] - centre[other])
        if not image.inside(whole[name]):
            raise Refused(f"Krawczyk's operator leaves the box in {name}")
