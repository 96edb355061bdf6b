"""What the theorems say about one family, given by nothing but its log-partition."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from dekderive.certificates import enclose, positive_verdict
from dekderive.errors import DekderiveError, DomainError, NoClosedForm
from dekderive.families.family import Family
from dekderive.limits import sample_parameters
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import eta
from dekderive.theorems.evidence import agrees
from dekderive.theorems.map_estimates import PRIORS, Instance, Scalar, estimate
from dekderive.verdict import Check, Verdict

__all__ = ["VarianceBound", "checks_for", "variance_bound"]

_LINE = sp.Interval.open(-sp.oo, sp.oo)


@dataclass(frozen=True, slots=True)
class VarianceBound:
    """An upper bound of A'', on the whole natural domain or on a box, and how it is known."""

    value: sp.Expr
    box: tuple[sp.Expr, sp.Expr] | None
    verdict: Verdict
    detail: str

    @property
    def where(self) -> str:
        """The box in words; empty for the whole domain."""
        return "" if self.box is None else f" for pre-activations in [{self.box[0]}, {self.box[1]}]"


def variance_bound(family: Family) -> VarianceBound:
    """Bound the variance function of a family: its supremum where that is finite and known, else a bound on a box.

    A log-partition that is the logarithm of a positive combination of exponentials belongs to a statistic with finitely
    many values, whose variance is at most a quarter of their squared range (Popoviciu).

    Examples
    --------
    >>> from dekderive.families import bernoulli, poisson
    >>> variance_bound(bernoulli()).value, variance_bound(bernoulli()).where
    (1/4, '')
    >>> variance_bound(poisson()).where
    ' for pre-activations in [-2, 2]'
    """
    try:
        top = family.supremum_of_variance
    except NoClosedForm:
        top = None
    if top is not None and top.value == sp.oo:
        return _on_a_box(family, 2)
    if top is not None and top.verdict is Verdict.HOLDS:
        return VarianceBound(top.value, None, top.verdict, top.detail)
    values = _support(family)
    if values:
        detail = f"the statistic has {len(values)} values, the largest and smallest {max(values)} and {min(values)}"
        return VarianceBound((max(values) - min(values)) ** 2 / 4, None, Verdict.HOLDS, detail)
    boxed = _on_a_box(family, 32)
    if top is None:  # it is attained inside, and found by search
        return boxed
    return replace(boxed, detail=f"{boxed.detail}; the supremum is {top.value} as far as the ends of the domain show")


def _support(family: Family) -> tuple[sp.Rational, ...]:
    """Return the rates r of exp(A) = sum of c exp(r eta), all c > 0, if it is such a sum; else nothing."""
    rates = set()
    for term in sp.Add.make_args(sp.expand(sp.exp(family.log_partition).rewrite(sp.exp))):
        coefficient, rest = term.as_independent(eta)
        rate = sp.S.Zero if rest == 1 else (rest.exp / eta if isinstance(rest, sp.exp) else None)
        if rate is None or not rate.is_Rational or not coefficient.is_positive:
            return ()
        rates.add(rate)
    return tuple(sorted(rates)) if len(rates) > 1 else ()


def _on_a_box(family: Family, reach: int) -> VarianceBound:
    low, high = _box(family.domain, reach)
    second = family.variance.subs(sample_parameters(family.variance, eta))
    grid = [low + (high - low) * sp.Rational(k, 64) for k in range(65)]
    largest = max(float(enclose(second, {eta: point})) for point in grid)
    for room in (1.001, 1.1):  # the largest value may lie between the points of the grid
        bound = _rounded_up(largest * room)
        verdict, detail = positive_verdict(bound - second, eta, low, high)
        if verdict is not Verdict.FAILS:
            break
    return VarianceBound(bound, (low, high), verdict, detail)


def _rounded_up(value: float) -> sp.Rational:
    """Return a number a little above, with four decimal digits."""
    unit = sp.Rational(10) ** (math.floor(math.log10(value)) - 3)
    return sp.ceiling(sp.Rational(Fraction(value)) / unit) * unit


def _box(domain: sp.Interval, reach: int) -> tuple[sp.Expr, sp.Expr]:
    """Return a compact part of the domain with rational ends."""
    low, high = domain.start, domain.end
    if low == -sp.oo and high == sp.oo:
        return sp.Integer(-reach), sp.Integer(reach)
    if low == -sp.oo:
        return sp.floor(high) - reach, sp.floor(high * 2) / 2 - sp.Rational(1, 2)
    if high == sp.oo:
        return sp.ceiling(low * 2) / 2 + sp.Rational(1, 2), sp.ceiling(low) + reach
    middle, width = sp.Rational(Fraction(float((low + high) / 2)).limit_denominator(100)), high - low
    quarter = sp.Rational(Fraction(float(width / 4)).limit_denominator(100))
    return middle - quarter, middle + quarter


def checks_for(family: Family) -> tuple[Check, ...]:
    """Check everything that the catalogue states about a family.

    Parameters
    ----------
    family : Family

    Returns
    -------
    tuple of Check
        Convexity, and a bound of the variance; when the DEQ of a kGLM is a contraction; Theorem 3+ with its
        hypotheses; the representer theorem; and the theorems on the deep equilibrium kernel that apply to it.

    Examples
    --------
    >>> from dekderive.families import Family
    >>> mine = Family("mine", sp.log(1 + sp.exp(eta) + sp.exp(3 * eta)), _LINE)
    >>> for check in checks_for(mine):
    ...     if check.name.startswith("kglm"):
    ...         print(check.verdict.value, check.name, check.statement, sep="; ")
    holds; kglm/assumption-2; lam > 9/4 ||K|| makes the DEQ of the kGLM a contraction
    holds; kglm/theorem-3-plus; for all lam > 0 ... exactly one solution, and it predicts without inverting K
    holds; kglm/theorem-7; ...
    """
    basics = {check.name: check for check in family.checks()}
    bound = variance_bound(family)
    convex = _convexity(family, basics["convex"])
    return (
        convex,
        Check("supremum of the variance", f"A'' <= {bound.value}{bound.where}", bound.verdict, bound.detail),
        _contraction(bound),
        _theorem_3_plus(family, convex),
        _representer(family),
        *_deker(family, bound),
    )


def _convexity(family: Family, check: Check) -> Check:
    values = _support(family)
    if check.verdict is Verdict.HOLDS or not values:
        return check
    detail = f"exp(A) is a positive combination of {len(values)} exponentials: A'' is the variance of its statistic"
    return Check(check.name, check.statement, Verdict.HOLDS, detail)


def _contraction(bound: VarianceBound) -> Check:
    factor = "" if bound.value == 1 else f"{bound.value} "
    statement = f"lam > {factor}||K|| makes the DEQ of the kGLM a contraction{bound.where}"
    detail = "L = ||K/lam||_2 sup A'' < 1; a prior factor q adds sup Q''"
    if bound.box is not None:
        detail += "; the box has to contain what the iteration visits"
    return Check("kglm/assumption-2", statement, bound.verdict, detail)


def _theorem_3_plus(family: Family, convex: Check) -> Check:
    whole = family.domain == _LINE
    number = "exactly one solution" if whole else "at most one solution"
    statement = (
        f"for all lam > 0 and positive semi-definite K the DEQ has {number}, and it predicts without inverting K"
    )
    verdict, detail = convex.verdict, f"A is strictly convex ({convex.detail})"
    if not whole:
        domain = f"({family.domain.start}, {family.domain.end})"
        detail += f"; the natural domain is {domain}, not R: existence is not claimed"
        return Check("kglm/theorem-3-plus", statement, verdict, detail)
    trial = _trial(family)
    verdict = Verdict.FAILS if trial.verdict is Verdict.FAILS else verdict
    return Check("kglm/theorem-3-plus", statement, verdict, f"{detail}; {trial.detail}")


def _representer(family: Family) -> Check:
    statement = "the MAP over the RKHS is a combination of the kernel functions at the inputs"
    detail = "the negative log-likelihood depends on f through f(X) only, and the penalty increases with the norm"
    return Check("kglm/theorem-7", statement, Verdict.HOLDS, detail)


# ---- three problems with a singular kernel matrix --------------------------------------------------------------------


def _trial(family: Family) -> Check:
    """Solve three problems with a repeated input and compare the fixed point, the predictions, and another start."""
    scalar = _scalar(family)
    rng = np.random.default_rng(3)
    worst = 0.0
    for lam in (2.0, 0.5, 0.1):
        x = rng.uniform(-1, 1, 3)
        x[-1] = x[0]
        new = rng.uniform(-1, 1, 2)
        kernel, cross = (np.exp(-(np.subtract.outer(a, x) ** 2) / 2) for a in (x, new))
        statistics = scalar.first(rng.uniform(-1, 1, 3))
        problem = Instance(kernel, cross, lam, statistics, scalar, PRIORS[0])
        f, a = estimate(problem)
        other, _ = estimate(problem, start=rng.uniform(-0.3, 0.3, 3))
        scale = (1 + 1 / lam) * (1 + np.max(np.abs(f)))
        shifted = a + np.array([1.0, 0.0, -1.0])
        gaps = (
            f - problem.map(f),
            f - other,
            cross @ shifted - cross @ (statistics - problem.slope(f)) / lam,
        )
        worst = max(worst, *(float(np.max(np.abs(gap))) / scale for gap in gaps))
    return agrees("trial", "fixed point, uniqueness and prediction", worst, 1e-9, 3, "singular problems")


def _scalar(family: Family) -> Scalar:
    """Return A, A' and A'' as functions of floats, by rounding balls: slow, and right for every formula."""
    parameters = sample_parameters(family.log_partition, eta)

    def numeric(expression: sp.Expr) -> object:
        exact = expression.subs(parameters)

        def function(x: NDArray[np.float64]) -> NDArray[np.float64]:
            flat = [float(enclose(exact, {eta: Fraction(float(v))}, precision=64)) for v in np.ravel(x)]
            return np.array(flat).reshape(np.shape(x))

        return function

    formulas = (family.log_partition, family.mean, family.variance)
    value, first, second = (numeric(expression) for expression in formulas)
    return Scalar(family.name, value, first, second, np.inf)  # type: ignore[arg-type]


# ---- the deep equilibrium kernel -------------------------------------------------------------------------------------


def _deker(family: Family, bound: VarianceBound) -> Iterator[Check]:
    """Yield the theorems that apply to R = z, and for a Gaussian family those on R = relu."""
    if family.domain != _LINE:
        return
    if bound.box is None:
        statement = f"with R = z, lam > {bound.value} gives one fixed point of the kernel recursion, from every start"
        yield Check("deker/theorem-a", statement, bound.verdict, "L = sup A'', as the slope is 1")
        statement = f"with R = z and lam > {bound.value} the kernel is continuous at equal inputs"
        yield Check("deker/theorem-b", statement, bound.verdict, "S_x <= (sup A'')^2 < lam^2")
    else:
        yield _local(family)
    if family.variance == 1:
        statement = "with R = relu, lam^2 > 1/2: one diagonal, one off-diagonal root in (0, pi), and a nugget"
        for name in ("deker/theorem-c", "deker/theorem-d", "deker/nugget"):
            yield Check(name, statement, Verdict.HOLDS, "slope step, activation relu: the hypotheses are met")


def _local(family: Family) -> Check:
    statement = "with R = z the off-diagonal entries are unique if E A''(q_x Z)^2 E A''(q_y Z)^2 < lam^4"
    try:
        link = Reparameterisation.canonical(family)
    except DomainError as error:
        return Check("deker/theorem-b", statement, Verdict.UNDECIDED, str(error))
    except DekderiveError as error:
        return Check("deker/theorem-b", statement, Verdict.UNDECIDED, f"the activation is not admissible: {error}")
    detail = f"A'' is unbounded, or bounded on a box only, so Theorem A does not apply; activation {link.activation}"
    return Check("deker/theorem-b", statement, Verdict.HOLDS, detail)
