"""What follows from a log-partition A on its natural domain.  Cached: families are values, and may be made often."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from dekderive.atoms import bessel_ratio_slope, expit, langevin_slope, truncated_normal_variance
from dekderive.certificates import enclose, positive_verdict, zero_verdict
from dekderive.errors import DekderiveError, NoClosedForm
from dekderive.families.validation import interior_points
from dekderive.limits import limit, sample_parameters
from dekderive.simplification import stabilise, tidy
from dekderive.symbols import eta
from dekderive.verdict import Check, Verdict

__all__ = [
    "Supremum",
    "checks",
    "is_even",
    "log_partition_range",
    "mean",
    "mean_domain",
    "stationary_point",
    "supremum_of_variance",
    "variance",
]


@dataclass(frozen=True, slots=True)
class Supremum:
    """The supremum of a function, and how it is known."""

    value: sp.Expr
    verdict: Verdict
    detail: str


@lru_cache(maxsize=256)
def mean(log_partition: sp.Expr, domain: sp.Interval) -> sp.Expr:
    """Return A', tidied."""
    return stabilise(_mean(log_partition))


@lru_cache(maxsize=256)
def variance(log_partition: sp.Expr, domain: sp.Interval) -> sp.Expr:
    """Return A'', tidied."""
    return stabilise(tidy(_mean(log_partition).diff(eta)))


def _mean(log_partition: sp.Expr) -> sp.Expr:
    return tidy(tidy(log_partition).diff(eta))


@lru_cache(maxsize=256)
def mean_domain(log_partition: sp.Expr, domain: sp.Interval) -> sp.Interval:
    """Return the open interval between the limits of A' (which increases) at the ends of the domain."""
    return sp.Interval.open(*_at_ends(_mean(log_partition), domain))


def _at_ends(expr: sp.Expr, domain: sp.Interval) -> tuple[sp.Expr, sp.Expr]:
    return limit(expr, eta, domain.start, "+"), limit(expr, eta, domain.end, "-")


@lru_cache(maxsize=256)
def is_even(log_partition: sp.Expr, domain: sp.Interval) -> bool:
    """Return whether A(-eta) = A(eta), as far as the tidied form shows it."""
    a = tidy(log_partition)
    return bool(domain.start == -domain.end and a == tidy(a.subs(eta, -eta)))


@lru_cache(maxsize=256)
def stationary_point(log_partition: sp.Expr, domain: sp.Interval) -> sp.Expr | None:
    """Return the zero of A', or None if there is none."""
    means = mean_domain(log_partition, domain)
    if means.start.is_nonnegative or means.end.is_nonpositive:
        return None
    slope = _mean(log_partition)
    if slope.subs(eta, 0) == 0 and domain.contains(0) == sp.true:
        return sp.S.Zero
    try:
        candidates = sp.solve(slope, eta)
    except NotImplementedError:
        candidates = []
    parameters = sample_parameters(log_partition, eta)
    for point in candidates:
        inside = domain.contains(point.subs(parameters))
        if inside == sp.true and zero_verdict(slope.subs(eta, point), [parameters])[0] is not Verdict.FAILS:
            return point
    raise NoClosedForm(f"the mean {slope} vanishes somewhere in {domain}, but no formula for the zero was found")


@lru_cache(maxsize=256)
def log_partition_range(log_partition: sp.Expr, domain: sp.Interval) -> sp.Interval:
    """Return the values of A: from its minimum or its smaller limit, to its larger limit."""
    low, high = _at_ends(tidy(log_partition), domain)
    bottom = stationary_point(log_partition, domain)
    if bottom is None:
        return (
            sp.Interval.open(low, high)
            if mean_domain(log_partition, domain).start.is_nonnegative
            else sp.Interval.open(high, low)
        )
    return sp.Interval(tidy(log_partition.subs(eta, bottom)), sp.Max(low, high), False, True)


# ---- the largest variance --------------------------------------------------------------------------------------------

_SLACK = sp.Rational(1, 1000)
_REACH = 32


@lru_cache(maxsize=256)
def supremum_of_variance(log_partition: sp.Expr, domain: sp.Interval) -> Supremum:
    """Return the supremum of A''.

    The candidates are the limits of A'' at the ends, and its value at 0 if it is even.  HOLDS needs a proof: a variance
    that is constant or unbounded, or a product of functions with known bounds.  Otherwise the bound, with a little
    slack, is proved on a compact part of the domain only, and the verdict is UNDECIDED.
    """
    second = variance(log_partition, domain)
    if not second.has(eta):
        return Supremum(second, Verdict.HOLDS, "the variance is constant")
    ends = dict(zip((domain.start, domain.end), _at_ends(second, domain), strict=True))
    for end, value in ends.items():
        if value == sp.oo:
            return Supremum(sp.oo, Verdict.HOLDS, f"A'' is unbounded as eta tends to {end}")
    candidates = list(ends.values())
    if domain.start == -domain.end and tidy(second.subs(eta, -eta)) == second:
        candidates.append(second.subs(eta, 0))
    parameters = sample_parameters(second, eta)
    value = max(candidates, key=lambda v: float(enclose(v, parameters)))
    if _bound(second) == value:
        return Supremum(value, Verdict.HOLDS, "each factor of A'' is at its own supremum")
    return _supported(second, value, domain, parameters)


def _bound(second: sp.Expr) -> sp.Expr | None:
    """Return an upper bound of a product of functions whose suprema are known."""
    coefficient, rest = second.as_independent(eta)
    if not coefficient.is_positive:
        return None
    for factor in sp.Mul.make_args(rest):
        if isinstance(factor, langevin_slope):
            coefficient, rest = coefficient / 3, rest / factor
        elif isinstance(factor, bessel_ratio_slope):
            coefficient, rest = coefficient / 2, rest / factor
        elif isinstance(factor, truncated_normal_variance) or _is_power_of_sech(factor):
            rest = rest / factor
        elif isinstance(factor, expit) and rest.has(expit(-factor.args[0])):
            # p (1 - p) = 1/4 - (p - 1/2)^2
            coefficient, rest = coefficient / 4, rest / (factor * expit(-factor.args[0]))
    return coefficient if rest == 1 else None


def _is_power_of_sech(e: sp.Expr) -> bool:
    return bool(e.is_Pow and isinstance(e.base, sp.cosh) and e.exp.is_negative)


def _supported(
    second: sp.Expr, value: sp.Expr, domain: sp.Interval, parameters: dict[sp.Symbol, sp.Rational]
) -> Supremum:
    low = -_REACH if domain.start == -sp.oo else sp.ceiling(domain.start * _REACH + 1) / _REACH
    high = _REACH if domain.end == sp.oo else sp.floor(domain.end * _REACH - 1) / _REACH
    excess = (value * (1 + _SLACK) - second).subs(parameters)
    verdict, detail = positive_verdict(excess, eta, sp.sympify(low), sp.sympify(high))
    if verdict is Verdict.FAILS:
        raise NoClosedForm(
            f"the supremum of the variance {second} is neither at an end of {domain} nor at a point of symmetry: "
            f"the excess of {value} over it {detail.removeprefix('the value ')}"
        )
    claim = f"A'' <= {value} (1 + {_SLACK}) {detail}" if verdict is Verdict.HOLDS else detail
    return Supremum(value, Verdict.UNDECIDED, f"{claim}; not proved beyond")


# ---- checks ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def checks(log_partition: sp.Expr, domain: sp.Interval) -> tuple[Check, ...]:
    """Return what was checked about the family."""
    parameters = sample_parameters(log_partition, eta)
    points = [{**parameters, eta: p} for p in interior_points(domain)]
    first, second = mean(log_partition, domain), variance(log_partition, domain)
    found = [
        Check("mean", f"A' = {first}", *zero_verdict(log_partition.diff(eta) - first, points)),
        Check("variance", f"A'' = {second}", *zero_verdict(log_partition.diff(eta, 2) - second, points)),
        Check("convex", "A'' > 0 on the natural domain", *_convexity(second, domain, points)),
    ]
    try:
        top = supremum_of_variance(log_partition, domain)
        found.append(Check("supremum of the variance", f"sup A'' = {top.value}", top.verdict, top.detail))
    except DekderiveError as error:
        found.append(Check("supremum of the variance", "sup A'' is known", Verdict.UNDECIDED, str(error)))
    return tuple(found)


def _convexity(second: sp.Expr, domain: sp.Interval, points: list[dict[sp.Symbol, sp.Expr]]) -> tuple[Verdict, str]:
    if second.subs(eta, _inside(domain)).is_positive:
        return Verdict.HOLDS, "every factor of A'' is positive"
    values = [enclose(second, p) for p in points]
    if any(v.upper <= 0 for v in values):
        return Verdict.FAILS, "A'' is not positive at a drawn point"
    return Verdict.UNDECIDED, f"positive at {sum(v.is_positive for v in values)} of {len(points)} drawn points"


def _inside(domain: sp.Interval) -> sp.Expr:
    """Return an expression in a positive symbol that runs through the domain, if that is a half-line."""
    p = sp.Symbol("p", positive=True)
    if domain.end != sp.oo:
        return domain.end - p
    return domain.start + p if domain.start != -sp.oo else eta
