"""kGLM = DEQ: the main result of the declarative-nets paper, and what holds without its assumptions."""

from __future__ import annotations

from functools import partial

import numpy as np
import sympy as sp
from scipy.optimize import root

from dekderive.citations import cite
from dekderive.symbols import eta
from dekderive.theorems.evidence import agrees, brackets, identity
from dekderive.theorems.map_estimates import FAMILIES, PRIORS, Instance, estimate, instances
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "tsuchida2022declarative"
_SETTING = (
    "K = k(X, X) is positive semi-definite",
    "lam > 0",
    "A and Q = -log q are convex and differentiable on R",
    "A is strictly convex",
)


# ---- the objective ---------------------------------------------------------------------------------------------------


def _null_direction(singular: bool) -> Check:
    """The objective (5) along a null vector of K, for any log-partition and any prior."""
    a1, a2, s, t1, t2 = sp.symbols("a1 a2 s T1 T2", real=True)
    lam = sp.Symbol("lam", positive=True)
    kernel = sp.Matrix([[1, 1], [1, 1 if singular else 2]])
    # General functions cancel without being evaluated; where they do not, a polynomial shows it.
    log_partition, prior = (sp.Function("A"), sp.Function("Q")) if singular else (lambda x: x**4, lambda x: x**2)

    def objective(a: sp.Matrix) -> sp.Expr:
        f = kernel * a
        fit = sum(log_partition(x) + prior(x) - x * t for x, t in zip(f, (t1, t2), strict=True))
        return fit + lam * (a.T * f)[0] / 2

    change = objective(sp.Matrix([a1 + s, a2 - s])) - objective(sp.Matrix([a1, a2]))
    return identity("null vector", "the objective at a + s (1, -1) equals that at a", sp.expand(change))


def _two_minimisers() -> Refutation:
    shift = np.array([3.0, -3.0])
    problem = Instance(np.ones((2, 2)), np.ones((1, 2)), 1.0, np.array([1.0, 0.0]), FAMILIES[1], PRIORS[0])
    _, a = estimate(problem)
    gap = problem.objective(a + shift) - problem.objective(a)
    return Refutation(
        gap == 0.0 or abs(gap) < 1e-14,
        "for K = [[1, 1], [1, 1]] the coefficients a and a + (3, -3) have the same objective, at distance 3 sqrt(2)",
        {"distance": float(np.linalg.norm(shift))},
        "exact, as K (3, -3) = 0",
    )


_OBJECTIVE = Theorem(
    key="kglm/equation-5",
    source=cite(_PAPER, "(5)"),
    number="(5)",
    title="The minimiser of the inner problem",
    hypotheses=_SETTING,
    printed="Strict convexity of A ensures that the objective has at most one minimum in the coefficients a.",
    standing=Standing.WRONG,
    corrected="f = K a is unique; a is unique if and only if K is non-singular.",
    proof=(
        "The objective is a strictly convex function of f plus lam/2 a'Ka, and both depend on a through f "
        "only: if Kv = 0 "
        "then a + v has the same f and the same penalty."
    ),
    basis=Basis.PROOF,
    probes=(Probe(Kind.IDENTITY, partial(_null_direction, True), partial(_null_direction, False)),),
    counterexample=Counterexample(
        "K = [[1, 1], [1, 1]] (a repeated input), Bernoulli, T = (1, 0), lam = 1", _two_minimisers
    ),
    remarks="log q(K a) is a sum over the coordinates, and q must factorise over them for rho to act elementwise.",
)


def _stationary(kernel_of_penalty: str) -> Check:
    """The stationary point of (6) for a Gaussian family and one input with K_s = 4, in a set whose first K is 1."""
    a, t, lam = sp.Symbol("a", real=True), sp.Symbol("T", real=True), sp.Symbol("lam", positive=True)
    own, other = 4, 1
    penalty = own if kernel_of_penalty == "own" else other
    objective = -a * own * t + (own * a) ** 2 / 2 + lam * a**2 * penalty / 2
    solution = sp.solve(objective.diff(a), a)[0]
    return identity(
        "MAP", "the minimiser solves f = (K_s/lam)(T - f)", own * solution - own / lam * (t - own * solution)
    )


def _wrong_penalty() -> Refutation:
    with_own, with_other = sp.Rational(4, 4 * 4 + 4), sp.Rational(4, 4 * 4 + 1)
    return Refutation(
        with_own != with_other,
        f"with K_s in the penalty the coefficient is {with_own}, with the K of another image it is {with_other}",
        {"with K_s": float(with_own), "with K": float(with_other)},
    )


_DECLARATIVE = Theorem(
    key="kglm/equation-6",
    source=cite(_PAPER, "(6)"),
    number="(6)",
    title="The declarative network",
    hypotheses=_SETTING,
    printed="The inner problem of image s has the penalty lam/2 a'K a.",
    standing=Standing.MISPRINT,
    corrected="The inner problem of image s has the penalty lam/2 a'K_s a.",
    proof="",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.IDENTITY, partial(_stationary, "own"), partial(_stationary, "other")),),
    counterexample=Counterexample(
        "Gaussian family, one pixel, K_1 = 1 and K_2 = 4, T = lam = 1, s = 2", _wrong_penalty
    ),
)


# ---- Theorem 3 -------------------------------------------------------------------------------------------------------


def _gradient_factors() -> Check:
    """The gradient of (5) is K (g(Ka) - T + lam a), for a general symmetric K on two points and general g."""
    a, t = sp.Matrix(sp.symbols("a1:3", real=True)), sp.Matrix(sp.symbols("T1:3", real=True))
    p, q, r = sp.symbols("p q r", real=True)
    lam = sp.Symbol("lam", positive=True)
    kernel = sp.Matrix([[p, q], [q, r]])
    c = sp.symbols("c1:5", real=True)  # A + Q, a general polynomial of degree 4
    potential = sum(c[j] * eta ** (j + 1) for j in range(4))
    f = kernel * a
    objective = sum(potential.subs(eta, x) for x in f) - (f.T * t)[0] + lam / 2 * (a.T * f)[0]
    slope = sp.Matrix([potential.diff(eta).subs(eta, x) for x in f])
    stated = kernel * (slope - t + lam * a)
    return identity(
        "stationarity",
        "gradient of (5) = K (A'(Ka) + Q'(Ka) - T + lam a)",
        list(sp.Matrix([objective]).jacobian(a).T - stated),
    )


def _fixed_point(sign: int) -> Check:
    """(7) at the MAP: z = A'((K/lam)(T - z - rho(z))), in f, over random problems; the wrong form has W3 = +K/lam."""
    worst, count = 0.0, 0
    for problem in instances(3, 300):
        f, _ = estimate(problem)
        if sign < 0 and problem.prior.name == "none":
            continue
        prior, mean = problem.prior.first(f), problem.family.first(f)
        image = problem.kernel @ (problem.statistics - mean - sign * prior) / problem.regularisation
        modulus = min(problem.modulus, 1e3)
        worst = max(worst, float(np.max(np.abs(f - image)) / ((1 + modulus) * (1 + np.max(np.abs(f))))))
        count += 1
    return agrees("fixed point", "f = (K/lam)(T - A'(f) - Q'(f)) at the MAP", worst, 1e-12, count)


def _prediction(skip: float) -> Check:
    """(8) against k(new, X) a, also for singular K; and again with a null vector of K added to a."""
    worst = 0.0
    for problem in instances(5, 300):
        f, a = estimate(problem)
        stated = problem.cross @ (skip * problem.statistics - problem.slope(f)) / problem.regularisation
        null = np.zeros(len(a))
        if len(a) > 1 and np.array_equal(problem.kernel[0], problem.kernel[-1]):  # a repeated input
            null[0], null[-1] = 3.0, -3.0
        scale = (1 + 1 / problem.regularisation) * (1 + np.max(np.abs(f)))
        for coefficients in (a, a + null):
            worst = max(worst, float(np.max(np.abs(problem.cross @ coefficients - stated)) / scale))
    return agrees("prediction", "k(new, X) a = V1 (z + rho(z)) + V2 T", worst, 1e-10, 300)


_THEOREM_3 = Theorem(
    key="kglm/theorem-3",
    source=cite(_PAPER, "Theorem 3, (7), (8)"),
    number="Theorem 3",
    title="The MAP of a kGLM is the fixed point of a DEQ",
    hypotheses=_SETTING,
    printed=(
        "z = A'(K a) at the MAP satisfies z = A'((K/lam)(T - z - rho(z))) with rho = Q' o (A')^-1 (7); if K "
        "is positive "
        "definite, the prediction is (1/lam) k(new, X)(T - z - rho(z)) for at least one solution z (8)."
    ),
    standing=Standing.SHARPENED,
    corrected="(7) has exactly one solution, and (8) holds for it, for every positive semi-definite K: see Theorem 3+.",
    proof="Stationarity of (5) is K (A'(Ka) + Q'(Ka) - T + lam a) = 0; apply A' to Ka.  The rest is Theorem 3+.",
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _gradient_factors),
        Probe(Kind.PROPERTY, partial(_fixed_point, 1), partial(_fixed_point, -1)),
        Probe(Kind.PROPERTY, partial(_prediction, 1.0), partial(_prediction, 0.0)),
    ),
    remarks="rho is defined on the open set of means only; iterate in f, where nothing leaves its domain.",
)


# ---- Theorem 3+ ------------------------------------------------------------------------------------------------------


def _difference_of_solutions() -> Check:
    """For two solutions f_i = (K/lam)(T - g_i): f_1 - f_2 = K w with w = -(g_1 - g_2)/lam."""
    p, q, r = sp.symbols("p q r", real=True)
    lam = sp.Symbol("lam", positive=True)
    kernel = sp.Matrix([[p, q], [q, r]])
    t, g1, g2 = (sp.Matrix(sp.symbols(f"{name}1:3", real=True)) for name in ("T", "g", "h"))
    first, second = (kernel * (t - g) / lam for g in (g1, g2))
    w = -(g1 - g2) / lam
    monotone = (w.T * kernel * w)[0] + ((g1 - g2).T * (first - second))[0] / lam
    return identity("monotonicity", "w'Kw = -(g1 - g2)'(f1 - f2)/lam", [*(first - second - kernel * w), monotone])


def _null_vectors_predict_nothing() -> Check:
    """[[K, c], [c', s]] PSD and Kv = 0: the form at (v, t) is 2t c'v + t^2 s, at its minimum -(c'v)^2/s."""
    cv, t = sp.symbols("cv t", real=True)
    s = sp.Symbol("s", positive=True)
    form = 2 * t * cv + t**2 * s
    return identity("null vectors", "the minimum over t is -(c'v)^2/s, so c'v = 0", form.subs(t, -cv / s) + cv**2 / s)


def _factorised_gradient() -> Check:
    """With K = BB' and f = Bc, B times the gradient of lam/2 |c|^2 + sum (A + Q - T .)(Bc) is lam f - K (T - g(f))."""
    b = sp.Matrix(2, 1, sp.symbols("b1:3", real=True))  # rank one: K is singular
    c = sp.Symbol("c", real=True)
    t = sp.Matrix(sp.symbols("T1:3", real=True))
    lam = sp.Symbol("lam", positive=True)
    coefficients = sp.symbols("c1:5", real=True)
    potential = sum(coefficients[j] * eta ** (j + 1) for j in range(4))
    f = b * c
    objective = lam * c**2 / 2 + sum(potential.subs(eta, x) for x in f) - (f.T * t)[0]
    slope = sp.Matrix([potential.diff(eta).subs(eta, x) for x in f])
    stated = b * objective.diff(c) - (lam * f + b * b.T * (slope - t))
    return identity("existence", "B (gradient in c) = lam f - K (T - g(f))", list(stated))


def _unique(definite: bool) -> Check:
    """Solve in f from random starts; a positive semi-definite K gives one solution, the box-truncated kernel many."""
    rng = np.random.default_rng(33)
    problems = [p for p in instances(7, 60, 100.0) if p.family.name != "poisson"] if definite else [_box_problem()]
    worst, count = 0.0, 0
    for problem in problems:
        n = len(problem.kernel)
        found = []
        for _ in range(5 if definite else 40):
            start = 3 * rng.standard_normal(n) * (1 if definite else 5)
            solution = root(_residual, start, args=(problem,), jac=_jacobian, tol=1e-13)
            if np.max(np.abs(solution.fun)) <= 1e-9 * (1 + np.max(np.abs(solution.x))):
                found.append(solution.x)
                count += 1
        if found:
            spread = np.ptp(np.array(found), axis=0).max() / (1 + np.abs(found[0]).max())
            worst = max(worst, float(spread))
    return agrees("uniqueness", "every root found from a random start is the same", worst, 1e-8, count, "roots")


def _residual(f: np.ndarray, problem: Instance) -> np.ndarray:
    return f - problem.map(f)


def _jacobian(f: np.ndarray, problem: Instance) -> np.ndarray:
    return np.eye(len(f)) + problem.kernel * problem.curvature(f) / problem.regularisation


def _box_problem() -> Instance:
    x = np.arange(12.0)
    gap = np.abs(x[:, None] - x)
    kernel = np.exp(-(gap**2) / 20) * (gap <= 2)
    kernel *= 20 / np.linalg.norm(kernel, 2)
    return Instance(kernel, kernel, 1.0, np.zeros(12), FAMILIES[4], PRIORS[0])


def _indefinite() -> Check:
    """One input with K = -20: f = 20 tanh f has the roots 0 and about +-20."""
    f = sp.Symbol("f", real=True)
    gap = f - 20 * sp.tanh(f)
    return brackets("definiteness", "with K = -20 a second solution lies in (19, 21)", gap, f, 19, 21)


_THEOREM_3_PLUS = Theorem(
    key="kglm/theorem-3-plus",
    source=cite(_PAPER, "strengthens Theorem 3, Proposition 4 and Corollary 5"),
    number="Theorem 3+",
    title="Uniqueness and prediction for every positive semi-definite kernel",
    hypotheses=_SETTING,
    printed="",
    standing=Standing.NEW,
    corrected=(
        "z = A'((K/lam)(T - z - rho(z))) has exactly one solution z*; it is A'(f*) for the MAP f*; and every "
        "minimiser a "
        "of (5) predicts k(new, X) a = (1/lam) k(new, X)(T - z* - rho(z*)) wherever k is positive semi-definite on the "
        "inputs and the new points together.  Neither Assumption 1 (K non-singular) nor Assumption 2 is needed."
    ),
    proof=(
        "Put f = (A')^-1(z) and g = A' + Q'; z solves (7) if and only if f = (K/lam)(T - g(f)).  Uniqueness: for two "
        "solutions f1 - f2 = K w with w = -(g(f1) - g(f2))/lam, so w'Kw = -(g(f1) - g(f2))'(f1 - f2)/lam, "
        "which is <= 0 "
        "as g increases and >= 0 as K is positive semi-definite; hence w'Kw = 0, Kw = 0, f1 = f2.  Existence: with K = "
        "BB' the function lam/2 |c|^2 + sum (A + Q - T .)(Bc) is strongly convex and finite, so it has a minimiser; B "
        "times its gradient is lam f - K(T - g(f)) at f = Bc.  Prediction: a* = (T - z* - rho(z*))/lam "
        "satisfies K a* = "
        "f*, so it is a minimiser of (5); another one differs by v with Kv = 0, and then k(new, X) v = 0, because the "
        "quadratic form of [[K, c], [c', s]] at (v, t) is 2t c'v + t^2 s, negative for some t unless c'v = 0.  QED"
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _difference_of_solutions),
        Probe(Kind.IDENTITY, _factorised_gradient),
        Probe(Kind.IDENTITY, _null_vectors_predict_nothing),
        Probe(Kind.CERTIFICATE, _indefinite),
        Probe(Kind.PROPERTY, partial(_unique, True), partial(_unique, False)),
        Probe(Kind.PROPERTY, partial(_prediction, 1.0), partial(_prediction, 0.0)),
    ),
    remarks=(
        "What Assumption 2 buys is the convergence of plain iteration, no more.  Definiteness is essential: the "
        "box-truncated kernel has many solutions."
    ),
)


# ---- the corollaries -------------------------------------------------------------------------------------------------


def _same_points() -> Check:
    """At the inputs themselves (8) is the argument of A' in (7), whether or not K is singular."""
    k, lam, t, z, r = sp.symbols("k lam T z rho", positive=True)
    argument = -k / lam * z + k / lam * t - k / lam * r
    prediction = -k / lam * (z + r) + k / lam * t
    return identity(
        "at the inputs", "W1 z + W2 T + W3 rho = V1 (z + rho) + V2 T for new = X", sp.expand(argument - prediction)
    )


_COROLLARY_5 = Theorem(
    key="kglm/corollary-5",
    source=cite(_PAPER, "Corollary 5, (9)"),
    number="Corollary 5",
    title="The declarative network is a DEQ",
    hypotheses=_SETTING,
    printed=(
        "If K is positive definite and Assumption 2 holds, the outer problem (6) is equivalent to (9), with DEQ "
        "constraints."
    ),
    standing=Standing.SHARPENED,
    corrected="(6) is equivalent to (9) for every positive semi-definite kernel, without Assumptions 1 and 2.",
    proof="The outer problem sees the inner one through its predictions only, and these are (8) by Theorem 3+.",
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _difference_of_solutions),
        Probe(Kind.IDENTITY, _null_vectors_predict_nothing),
        Probe(Kind.PROPERTY, partial(_prediction, 1.0), partial(_prediction, 0.0)),
    ),
)

_COROLLARY_6 = Theorem(
    key="kglm/corollary-6",
    source=cite(_PAPER, "Corollary 6"),
    number="Corollary 6",
    title="Constant parameters",
    hypotheses=(*_SETTING, "all images share their coordinates X and the new coordinates"),
    printed="If the coordinates do not depend on s, neither do W1, W2, W3, V1, V2.",
    standing=Standing.RIGHT,
    proof="They are -K/lam, K/lam, -k(new, X)/lam and k(new, X)/lam, functions of the coordinates alone.",
    basis=Basis.PROOF,
    probes=(Probe(Kind.IDENTITY, _same_points),),
    remarks="It too needs neither Assumption 1 nor 2.  For new = X, f = W1 z + W2 T + W3 rho(z), as the paper says.",
)

THEOREMS = (_OBJECTIVE, _DECLARATIVE, _THEOREM_3, _THEOREM_3_PLUS, _COROLLARY_5, _COROLLARY_6)
