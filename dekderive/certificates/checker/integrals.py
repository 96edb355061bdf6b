"""Two proofs that need no tree: upper sums of a Gaussian expectation, and Krawczyk's test of a small box."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise

from dekderive.certificates.checker import elementary, intervals
from dekderive.certificates.checker.intervals import Interval, OutOfDomain, rational
from dekderive.certificates.checker.programs import (
    Malformed,
    Program,
    derivative,
    evaluate,
    read_program,
    read_rational,
)
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
    if any(a >= b for a, b in pairwise(places)):
        raise Malformed("the cuts must increase")
    weight = _Weight(variance)
    ends: list[Fraction | None] = [None, *places, None]
    total = _ZERO
    for low, high in pairwise(ends):
        total = total + _part(program, box, low, high, weight)
    if not total.at_most(bound):
        raise Refused(f"the upper sum is not below {bound}")


_ZERO, _HALF = rational(Fraction(0)), rational(Fraction(1, 2))


class _Weight:
    """The normal distribution function, and the density, of one variance; values are kept for the next cell."""

    def __init__(self, variance: Fraction) -> None:
        self.variance = rational(variance)
        self.scale = intervals.sqrt(rational(2 * variance))
        self.height = rational(Fraction(1)) / intervals.sqrt(rational(2 * variance) * Interval(*elementary.pi()))
        self.known: dict[Fraction, tuple[Interval, Interval]] = {}

    def at(self, x: Fraction | None, infinite: int) -> tuple[Interval, Interval]:
        """Half the error function, which is the distribution function less 1/2, and the density."""
        if x is None:
            return _HALF * rational(Fraction(infinite)), _ZERO
        if x not in self.known:
            y = rational(x) / self.scale
            self.known[x] = intervals.erf(y) * _HALF, intervals.exp(-y.power(2)) * self.height
        return self.known[x]


def _part(program: Program, box: Box, low: Fraction | None, high: Fraction | None, weight: _Weight) -> Interval:
    """Return an upper bound of E[h(u); u in the cell].

    With d1 <= h' <= d2 on the cell and m inside, h(x) <= h(m) + d2 (x - m)^+ - d1 (m - x)^+, and the two parts have
    known expectations, E[(u - m)^+; u < b] = v (p(m) - p(b)) - m P(m < u < b): the error is
    of second order in the width.
    """
    (name,) = box
    cell: Box = {name: (low, high)}
    (below, density_low), (above, density_high) = weight.at(low, -1), weight.at(high, 1)
    if low is not None and high is not None:
        try:
            slope = evaluate(derivative(program, name), as_intervals(cell))
            if slope.low is not None and slope.high is not None:
                m = (low + high) / 2
                value, point = evaluate(program, as_intervals({name: (m, m)})), rational(m)
                middle, density = weight.at(m, 0)
                right = weight.variance * (density - density_high) - point * (above - middle)
                left = point * (middle - below) + weight.variance * (density - density_low)
                up, down = Interval(slope.high, slope.high), Interval(slope.low, slope.low)
                return value * (above - below) + up * right - down * left
        except OutOfDomain:
            pass  # no derivative: the values themselves are bounded below
    largest = LEAF_FORMS["natural"](program, cell).high
    if largest is None:
        raise Refused("the integrand is not bounded on some cell")
    return Interval(largest, largest) * (above - below)


def prove_existence(claim: Mapping[str, object], box: Box) -> None:
    """Check that a system F = 0 has exactly one solution in a box X, by K(X) inside X (Krawczyk 1969).

    K(X) = m - Y F(m) + (1 - Y F'(X)) (X - m), with any matrix Y and the middle m of X.

    Raises
    ------
    Malformed, Refused
    """
    names = list(box)
    equations, matrix = claim.get("equations"), claim.get("preconditioner")
    if not isinstance(equations, list) or not isinstance(matrix, list):
        raise Malformed("existence needs equations and a preconditioner")
    lengths = {len(equations), len(matrix), *(len(row) if isinstance(row, list) else -1 for row in matrix)}
    if lengths != {len(names)}:
        raise Malformed("existence needs as many equations as variables, and a square preconditioner")
    programs = [read_program(e, names) for e in equations]
    rows = [[rational(read_rational(y)) for y in row] for row in matrix]
    middle = _middle_of(box)
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


def _middle_of(box: Box) -> Box:
    middle: dict[str, tuple[Fraction, Fraction]] = {}
    for name, (low, high) in box.items():
        if low is None or high is None:
            raise Malformed("existence needs a bounded box")
        middle[name] = ((low + high) / 2, (low + high) / 2)
    return middle
