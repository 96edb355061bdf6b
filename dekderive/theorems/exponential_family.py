"""Exponential families and the representer theorem (declarative nets, appendix A)."""

from __future__ import annotations

from functools import partial

import numpy as np
import sympy as sp

from dekderive.citations import cite
from dekderive.symbols import eta
from dekderive.theorems.evidence import agrees, exact, identity
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "tsuchida2022declarative"


# ---- the representer theorem -----------------------------------------------------------------------------------------

_KERNEL = sp.Matrix([[4, 2, 1, 1], [2, 3, 1, 0], [1, 1, 2, 1], [1, 0, 1, 2]])  # positive definite, on four points


def _pythagoras() -> Check:
    """On a finite space |f|^2 = f' K^-1 f: a function that vanishes at the data is orthogonal to their span."""
    a = sp.Matrix(sp.symbols("a1:3", real=True))
    rest = sp.Matrix(sp.symbols("g1:3", real=True))
    span = _KERNEL[:, :2] * a
    other = sp.Matrix([0, 0, *rest])
    inner = (span.T * _KERNEL.inv() * other)[0]
    return identity("orthogonality", "<k(., X) a, g> = a' g(X) = 0 if g vanishes on X", inner)


def _least_squares(coefficients: int) -> Check:
    """Minimise over all functions on four points, in exact arithmetic, and ask whether k(., X) a attains it."""
    regularisation, data = sp.Rational(1, 2), sp.Matrix([3, -1])
    pick = sp.eye(4)[:2, :]
    everything = (pick.T * pick + regularisation * _KERNEL.inv()).LUsolve(pick.T * data)
    block = _KERNEL[:2, :2]
    alpha = (block + regularisation * sp.eye(2)).LUsolve(data)
    represented = _KERNEL[:, :coefficients] * alpha[:coefficients, :]
    statement = f"the minimiser over all functions is a combination of {coefficients} kernel functions at the data"
    return exact("kernel ridge regression", statement, everything == represented)


_REPRESENTER = Theorem(
    key="kglm/theorem-7",
    source=cite(_PAPER, "Theorem 7, after Schölkopf and Smola (2002)"),
    number="Theorem 7",
    title="Representer theorem",
    hypotheses=("R: [0, oo) -> R is strictly increasing", "the loss depends on f through f(x_1), ..., f(x_n) only"),
    printed="Every minimiser over the RKHS of loss + R(|f|) is a combination of k(., x_1), ..., k(., x_n).",
    standing=Standing.RIGHT,
    proof=(
        "Write f = k(., X) a + g with g orthogonal to the span.  Then g(x_i) = <g, k(., x_i)> = 0, so the "
        "loss does not "
        "see g, and |f|^2 = |k(., X) a|^2 + |g|^2: unless g = 0, dropping it lowers R(|f|)."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _pythagoras),
        Probe(Kind.CERTIFICATE, partial(_least_squares, 2), partial(_least_squares, 1)),
    ),
    remarks=(
        "It says nothing about existence: with a kernel that is not positive semi-definite there may be no minimiser."
    ),
)


# ---- the density -----------------------------------------------------------------------------------------------------

_WEIGHTS = sp.symbols("w1:4", positive=True)  # h(y) exp(eta T(y)) at three points
_STATISTICS = sp.symbols("t1:4", real=True)


def _moment(order: int) -> sp.Expr:
    """Moments of a general three-point family."""
    return sum(w * t**order for w, t in zip(_WEIGHTS, _STATISTICS, strict=True)) / sum(_WEIGHTS)


def _derivative(expression: sp.Expr) -> sp.Expr:
    """Derivative in eta: that of a weight is t times the weight."""
    return sum(expression.diff(w) * t * w for w, t in zip(_WEIGHTS, _STATISTICS, strict=True))


def _mean_and_variance(centred: bool) -> Check:
    first = _derivative(sp.log(sum(_WEIGHTS)))
    variance = _moment(2) - _moment(1) ** 2 if centred else _moment(2)
    differences = [first - _moment(1), _derivative(first) - variance]
    return identity("three points", "A' = E T and A'' = Var T", [sp.cancel(d) for d in differences])


def _shipped_families() -> Check:
    """The log-partitions that are shipped, against sums and integrals of their base measures."""
    n, x, y = sp.Symbol("n", integer=True, nonnegative=True), sp.Symbol("x", real=True), sp.Symbol("y", positive=True)
    theta = sp.Symbol("theta", negative=True)
    poisson = sp.summation(y**n / sp.factorial(n), (n, 0, sp.oo))  # y = exp(eta)
    exponential = sp.integrate(sp.exp(theta * y), (y, 0, sp.oo))
    gaussian = sp.integrate(sp.exp(eta * x - x**2 / 2), (x, -sp.oo, sp.oo))
    differences = [
        sp.log(poisson.subs(y, sp.exp(eta))) - sp.exp(eta),
        exponential - 1 / (-theta),
        gaussian / sp.sqrt(2 * sp.pi) - sp.exp(eta**2 / 2),
        (sp.exp(eta) + sp.exp(-eta)) / 2 - sp.cosh(eta),
    ]
    return identity("families", "Poisson exp, exponential -log(-eta), Gaussian eta^2/2, Ising log cosh", differences)


_DENSITY = Theorem(
    key="kglm/equation-10",
    source=cite(_PAPER, "(10)"),
    number="(10)",
    title="Natural exponential family",
    hypotheses=("the set of eta with a finite log-partition is open", "T is not constant almost everywhere"),
    printed="p(y | eta) = h(y) exp(eta T(y) - A(eta)) is a density; A is smooth, A' = E T, and A is convex.",
    standing=Standing.RIGHT,
    proof=(
        "Inside an open domain the integral of exp(eta T) dH may be differentiated under the integral sign as often as "
        "one likes (dominated by exp((eta + e) T) + exp((eta - e) T)).  The two derivatives of its logarithm "
        "are the mean "
        "and the variance of T; the computation is the same for sums of three terms, where it is checked."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, partial(_mean_and_variance, True), partial(_mean_and_variance, False)),
        Probe(Kind.IDENTITY, _shipped_families),
    ),
    remarks=(
        "Theorem 3 also needs the domain to be all of R.  The gamma and negative binomial families in "
        "canonical form do "
        "not qualify; they need a reparameterisation."
    ),
)


def _flat() -> Refutation:
    c = sp.Symbol("c", real=True)
    log_partition = sp.log(sum(_WEIGHTS) * sp.exp(c * eta))
    curvature = sp.simplify(log_partition.diff(eta, 2))
    return Refutation(
        curvature == 0,
        f"for T(y) = c the log-partition is c eta + const, so A'' = {curvature}: not strictly convex",
        {"variance": float(curvature)},
    )


def _variance_vanishes_only_for_constants(constant: bool) -> Check:
    """Var T as a sum of squares: it vanishes only where the statistics of all points of positive mass agree."""
    p = sp.symbols("p1:4", positive=True)
    t = _STATISTICS
    mean = sum(a * b for a, b in zip(p, t, strict=True))
    variance = sum(a * b**2 for a, b in zip(p, t, strict=True)) * sum(p) - mean**2
    squares = sum(p[i] * p[j] * (t[i] - t[j]) ** 2 for i in range(3) for j in range(i))
    return identity("Lagrange", "Var T = sum of p_i p_j (t_i - t_j)^2", variance if constant else variance - squares)


_MINIMALITY = Theorem(
    key="kglm/appendix-a-minimality",
    source=cite(_PAPER, "appendix A.2"),
    number="Appendix A.2",
    title="Strict convexity of the log-partition",
    hypotheses=("the domain is open", "T is not constant almost everywhere under the base measure"),
    printed="As T and eta are scalars, the family is minimal, so A is strictly convex.",
    standing=Standing.WRONG,
    corrected="A is strictly convex if and only if T is not constant almost everywhere under the base measure.",
    proof="A'' = Var T, and a variance vanishes exactly for constants; the sum of squares shows it for three points.",
    basis=Basis.PROOF,
    probes=(
        Probe(
            Kind.IDENTITY,
            partial(_variance_vanishes_only_for_constants, False),
            partial(_variance_vanishes_only_for_constants, True),
        ),
    ),
    counterexample=Counterexample("T(y) = c for every y", _flat),
)


# ---- the prior -------------------------------------------------------------------------------------------------------


def _norm_of_a_combination() -> Check:
    a = sp.Matrix(sp.symbols("a1:5", real=True))
    f = _KERNEL * a
    return identity("norm", "|k(., X) a|^2 = a' K a", (f.T * _KERNEL.inv() * f)[0] - (a.T * _KERNEL * a)[0])


def _objective_in_coefficients(divided: bool) -> Check:
    """Two observations, a free log-partition: the objective over functions at f = K a is the one over a."""
    a = sp.Matrix(sp.symbols("a1:3", real=True))
    t = sp.Matrix(sp.symbols("T1:3", real=True))
    lam = sp.Symbol("lam", positive=True)
    log_partition = sp.Function("A")
    kernel = _KERNEL[:2, :2]
    f = kernel * a
    over_functions = sum(log_partition(x) for x in f) - (f.T * t)[0] + lam / 2 * (f.T * kernel.inv() * f)[0]
    penalty = (a.T * kernel * a)[0] * lam / (1 if divided else 2)
    over_coefficients = sum(log_partition(x) for x in kernel * a) - (a.T * kernel * t)[0] + penalty
    return identity("objective", "1'A(Ka) - a'K T(Y) + lam/2 a'Ka", sp.expand(over_functions - over_coefficients))


def _loose_norms() -> Check:
    """The prior needs a finite space: a draw of the process has expected squared norm equal to the number of points."""
    rng = np.random.default_rng(11)
    worst = 0.0
    for n in (5, 10, 20):
        x = np.sort(rng.random(n)) * n
        kernel = np.exp(-((x[:, None] - x) ** 2)) + 1e-3 * np.eye(n)
        draws = np.linalg.cholesky(kernel) @ rng.standard_normal((n, 4000))
        norms = np.einsum("ij,ij->j", draws, np.linalg.solve(kernel, draws))
        worst = max(worst, abs(float(norms.mean()) - n) / n)
    return agrees("finite space", "E |f|^2 = n for the Gaussian prior at n points", worst, 0.05, 12_000)


_PRIOR = Theorem(
    key="kglm/equation-11",
    source=cite(_PAPER, "(4), (11)"),
    number="(11)",
    title="Gaussian prior and MAP objective",
    hypotheses=("the coordinate space is finite", "k is positive semi-definite"),
    printed=(
        "With the prior proportional to exp(-lam |f|^2 / 2), the MAP is k(., X) a, where a minimises "
        "1'A(Ka) - a'K T(Y) + lam/2 a'Ka."
    ),
    standing=Standing.RIGHT,
    proof="Theorem 7 reduces the problem to f = k(., X) a, and |k(., X) a|^2 = a'Ka.",
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _norm_of_a_combination),
        Probe(Kind.IDENTITY, partial(_objective_in_coefficients, False), partial(_objective_in_coefficients, True)),
        Probe(Kind.SIMULATION, _loose_norms),
    ),
    remarks="'KTY' in the display is K T(Y).  (E |f|^2 = n grows with the space: there is no density in the limit.)",
)

THEOREMS = (_DENSITY, _MINIMALITY, _PRIOR, _REPRESENTER)
