"""Whether an expression is a natural map: defined, continuous, and inside the natural domain."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import sympy as sp

from dekderive.certificates import Enclosure, enclose, positive_verdict
from dekderive.certificates.balls import working_precision
from dekderive.certificates.ranges import range_of
from dekderive.errors import DomainError
from dekderive.families.family import Family
from dekderive.limits import sample_parameters
from dekderive.simplification import stabilise, tidy
from dekderive.symbols import z
from dekderive.verdict import Verdict

__all__ = ["doubtful_points", "range_verdict", "require_natural_map"]

_POINTS = tuple(
    sp.Rational(s * p, q)
    for p, q in ((0, 1), (1, 10**6), (1, 7), (1, 1), (5, 3), (4, 1), (9, 1), (25, 1))
    for s in ((1, -1) if p else (1,))
)
_REACH = 32  # proofs on the line are given for [-32, 32]; what happens beyond is the business of limits


def require_natural_map(family: Family, natural_map: sp.Expr, derivative: sp.Expr) -> None:
    """Raise DomainError unless R is defined, bounded near every point, without jumps, and inside the domain."""
    if derivative == 0:
        raise DomainError(f"the natural map {natural_map} of {family.name} is constant almost everywhere")
    _require_no_jump(natural_map, derivative)
    numeric = stabilise(tidy(natural_map)).subs(sample_parameters(natural_map, z))
    for point in _POINTS:
        value = enclose(numeric, {z: point})
        if not value.is_finite:
            _require_continuous(natural_map, numeric, Fraction(int(point.p), int(point.q)))
        elif _is_outside(value, family.domain):
            raise _leaves(family, natural_map, f"it is {value} at z = {point}")
    for point in doubtful_points(numeric):
        _require_continuous(natural_map, numeric, point)
    verdict, detail = range_verdict(family, natural_map)
    if verdict is Verdict.FAILS:
        raise _leaves(family, natural_map, detail)


def _leaves(family: Family, natural_map: sp.Expr, detail: str) -> DomainError:
    domain = f"({family.domain.start}, {family.domain.end})"
    return DomainError(f"the natural map {natural_map} leaves the natural domain {domain} of {family.name}: {detail}")


def _is_outside(value: Enclosure, domain: sp.Interval) -> bool:
    below = domain.start != -sp.oo and value.upper <= enclose(domain.start, {}).lower
    return below or (domain.end != sp.oo and value.lower >= enclose(domain.end, {}).upper)


def _require_no_jump(natural_map: sp.Expr, derivative: sp.Expr) -> None:
    for delta in sorted(derivative.atoms(sp.DiracDelta), key=str):
        place = delta.args[0]
        where = f"where {place} = 0"
        if place.is_polynomial(z) and sp.degree(place, z) == 1:
            where = f"at z = {sp.solve(place, z)[0]}"
        raise DomainError(
            f"the natural map {natural_map} jumps {where}; it must be continuous, or its slope is no function"
        )


@lru_cache(maxsize=512)
def range_verdict(family: Family, natural_map: sp.Expr) -> tuple[Verdict, str]:
    """Decide whether R stays inside the natural domain, by assumptions or else by intervals on [-32, 32]."""
    gaps = [natural_map - family.domain.start] if family.domain.start != -sp.oo else []
    gaps += [family.domain.end - natural_map] if family.domain.end != sp.oo else []
    if not gaps:
        return Verdict.HOLDS, "the natural domain is the whole line"
    if all(g.is_positive for g in gaps):
        return Verdict.HOLDS, "by the signs of its terms"
    proved = []
    for gap in gaps:
        if gap.is_positive:
            continue
        verdict, detail = positive_verdict(gap.subs(sample_parameters(gap, z)), z, -_REACH, _REACH, max_boxes=512)
        if verdict is Verdict.FAILS:
            return verdict, f"the distance {gap} to the end is not positive: {detail}"
        proved.append(detail)
    return Verdict.UNDECIDED, f"{'; '.join(proved)}; not proved beyond"


# ---- places where an expression may be undefined ---------------------------------------------------------------------


@lru_cache(maxsize=512)
def doubtful_points(expr: sp.Expr) -> tuple[Fraction, ...]:
    """Return the places in [-32, 32] around which no interval, however short, gives a bound of `expr`.

    There may be a pole, a branch point, or nothing but a form such as 0/0 that has a limit.
    """
    pending = [(Fraction(-_REACH), Fraction(_REACH))]
    places: list[Fraction] = []
    budget = 4000
    while pending and budget:
        a, b = pending.pop()
        budget -= 1
        with working_precision(128):
            if range_of(expr, z, a, b) is not None:
                continue
        if b - a < Fraction(1, 2**40):
            # A doubtful rational is met by two intervals, or as the end of one.
            near = Fraction((a + b) / 2).limit_denominator(2**18)
            if not any(abs(near - p) < Fraction(1, 2**20) for p in places):
                places.append(near)
            pending = [
                (c, d)
                for c, d in pending
                if not (c - Fraction(1, 2**20) <= near <= d + Fraction(1, 2**20) and d - c < Fraction(1, 2**20))
            ]
        else:
            middle = (a + b) / 2
            pending += [(a, middle), (middle, b)]
    return tuple(sorted(places))


def _require_continuous(natural_map: sp.Expr, numeric: sp.Expr, point: Fraction) -> None:
    """Compare the values on the two sides of a doubtful point."""
    near = f"near z = {float(point):.6g}"
    sides = []
    for sign in (-1, 1):
        values = [enclose(numeric, {z: point + Fraction(sign, 2**k)}) for k in (20, 40, 60)]
        if not all(v.is_finite for v in values):
            raise DomainError(f"the natural map {natural_map} is not a real number {near}")
        sizes = [abs(float(v)) for v in values]
        if sizes[2] > 1.2 * sizes[1] + 1e-6 and sizes[1] > 1.2 * sizes[0]:
            raise DomainError(f"the natural map {natural_map} is not bounded {near}")
        sides.append(float(values[2]))
    if abs(sides[1] - sides[0]) > 1e-4 * (1 + abs(sides[0])):
        raise DomainError(f"the natural map {natural_map} jumps {near}, from {sides[0]:.6g} to {sides[1]:.6g}")
