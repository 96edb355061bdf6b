"""When the DEQ of a kGLM is a contraction, and means (declarative nets, 3.2, 3.3, appendices D, G, H)."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np
import sympy as sp

from dekderive.atoms import expit
from dekderive.certificates import enclose
from dekderive.citations import cite
from dekderive.symbols import eta, z
from dekderive.theorems.evidence import agrees, brackets, exact, identity
from dekderive.theorems.map_estimates import Instance, estimate, instances, picard, shifted
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "tsuchida2022declarative"
_SETTING = ("K is positive semi-definite", "lam > 0", "A and Q = -log q are convex and twice differentiable on R")


# ---- the derivative of the map ---------------------------------------------------------------------------------------


def _penalty_slope() -> Check:
    """The penalty Q' o (A')^-1 of the Bernoulli and Poisson families, with a general quartic Q."""
    f = sp.Symbol("f", real=True)
    c = sp.symbols("c1:5", real=True)
    slope = sum(j * c[j - 1] * eta ** (j - 1) for j in range(1, 5))
    differences = []
    for inverse, mean in ((sp.log(z / (1 - z)), 1 / (1 + sp.exp(-f))), (sp.log(z), sp.exp(f))):
        rho = slope.subs(eta, inverse)
        at = rho.diff(z).subs(z, mean) * mean.diff(f) - slope.diff(eta).subs(eta, f)
        differences.append(sp.expand_log(sp.simplify(at), force=True))
    return identity("penalty", "rho'(A'(f)) A''(f) = Q''(f)", differences)


def _jacobian(order: str) -> Check:
    """DH in z for two coordinates and general quadratic sigma and rho, against either order of the factors."""
    zs, t = sp.Matrix(sp.symbols("z1:3", real=True)), sp.Matrix(sp.symbols("T1:3", real=True))
    w1, w2, w3 = (sp.Matrix(2, 2, sp.symbols(f"{name}1:5", real=True)) for name in ("u", "v", "w"))
    s1, s2, r1, r2 = sp.symbols("s1 s2 r1 r2", real=True)
    rho, rho_slope = zs.applyfunc(lambda x: r1 * x + r2 * x**2), zs.applyfunc(lambda x: r1 + 2 * r2 * x)
    u = w1 * zs + w2 * t + w3 * rho
    true = u.applyfunc(lambda x: s1 * x + s2 * x**2).jacobian(zs)
    inner = w1 + w3 * sp.diag(*rho_slope)
    if order == "printed":
        stated = inner * sp.diag(*(w1 * zs + w2 * t).applyfunc(lambda x: s1 + 2 * s2 * x))
    else:
        stated = sp.diag(*u.applyfunc(lambda x: s1 + 2 * s2 * x)) * inner
    return identity(
        "chain rule", "DH = diag(sigma'(u))(W1 + W3 diag rho'(z)), u = W1 z + W2 T + W3 rho(z)", list(true - stated)
    )


def _lipschitz(factor: float) -> Check:
    """|Hf(a) - Hf(b)|_2 against factor L |a - b|_2 at random pairs of points."""
    rng = np.random.default_rng(21)
    worst, count = -np.inf, 0
    for problem in instances(21, 200):
        if not np.isfinite(problem.modulus):
            continue
        for _ in range(5):
            a = rng.standard_normal(len(problem.kernel))
            b = a + 0.01 * np.linalg.eigh(problem.kernel)[1][:, -1]
            change = np.linalg.norm(problem.map(a) - problem.map(b))
            worst = max(worst, float(change / np.linalg.norm(a - b) / problem.modulus) - factor)
            count += 1
    return agrees("Lipschitz constant", f"|Hf(a) - Hf(b)| <= {factor:g} L |a - b|", worst, 1e-9, count)


def _convergence(modulus: float) -> Check:
    """Errors of plain iteration in f from 0: L^k |f*| bounds them for L < 1; for large L there is a cycle."""
    worst, count = -np.inf, 0
    for problem in instances(23, 120):
        if not np.isfinite(problem.modulus):
            continue
        lam = problem.regularisation * problem.modulus / modulus
        scaled = Instance(problem.kernel, problem.cross, lam, problem.statistics, problem.family, problem.prior)
        f, _ = estimate(scaled)
        error = np.linalg.norm(picard(scaled, np.zeros(len(f)), 40) - f)
        worst = max(worst, float(error - min(modulus, 0.9) ** 40 * np.linalg.norm(f)))
        count += 1
    return agrees("plain iteration", f"|f_k - f*| <= L^k |f_0 - f*| with L = {modulus}", worst, 1e-10, count)


_P = sp.Symbol("p", real=True)
_CYCLE = _P - expit(-20 * _P)  # T = 5, A = 5 eta + log(1 + e^eta), K/lam = 20: z = 5 + p with p = expit(-20 p)


def _root_of_the_cycle() -> Check:
    low, high = Fraction(1064017, 10**7), Fraction(1064018, 10**7)
    return brackets("fixed point", "z* = 5.10640172...", _CYCLE, _P, low, high)


def _slope_at_preactivation(where: str) -> Check:
    """H(z) = A'((K/lam)(5 - z)): its slope is -(K/lam) A'' at the pre-activation, not at z."""
    u = 20 * (5 - z)
    mean = 5 + 1 / (1 + sp.exp(-u))
    at = z if where == "printed" else u
    variance = sp.exp(-at) / (1 + sp.exp(-at)) ** 2
    return identity("slope of H", "H'(z) = -(K/lam) A''((K/lam)(T - z))", mean.diff(z) + 20 * variance)


def _assumption_2_holds_and_fails() -> Refutation:
    literal = 20 * float(enclose(expit(5) * expit(-5), {}))
    root = 0.5
    for _ in range(200):
        root -= (root - 1 / (1 + np.exp(20 * root))) / (1 + 20 * root * (1 - root))
    slope = 20 * root * (1 - root)
    cycle = [0.2]
    for _ in range(400):
        cycle.append(float(1 / (1 + np.exp(20 * cycle[-1]))))
    return Refutation(
        literal < 1 < slope,
        f"||K/lam|| sup of A'' over (5, 6) = {literal:.4g} < 1, but |H'(z*)| = {slope:.5g} at z* = "
        f"{5 + root:.10f}, and "
        f"plain iteration alternates between {5 + max(cycle[-2:]):.6f} and {5 + min(cycle[-2:]):.6f}",
        {"product": literal, "z*": 5 + root, "slope": slope, "high": 5 + max(cycle[-2:]), "low": 5 + min(cycle[-2:])},
        "floating point, with a margin; the fixed point is enclosed by balls",
    )


_MODULUS = "L = ||K/lam||_2 sup_f (A'' + Q'')(f) < 1, the supremum over pre-activations f"

_ASSUMPTION_2 = Theorem(
    key="kglm/assumption-2",
    source=cite(_PAPER, "Assumption 2"),
    number="Assumption 2",
    title="The condition for a contraction",
    hypotheses=(*_SETTING, _MODULUS),
    printed=(
        "||K/lam|| times the supremum over means z in Z of |A''(z)| ||I + diag rho'(z)|| below 1 makes H a contraction."
    ),
    standing=Standing.WRONG,
    corrected=(
        "A'' is to be evaluated at the pre-activation.  The map f -> (K/lam)(T - g(f)), to which H is "
        "conjugate, has the "
        "Jacobian -(K/lam) diag(A'' + Q''), so it is a contraction in |.|_2 if L = ||K/lam||_2 sup_f (A'' + Q'') < 1."
    ),
    proof=(
        "H = A' o Hf o (A')^-1 with Hf(f) = (K/lam)(T - A'(f) - Q'(f)).  |Hf(a) - Hf(b)| <= ||K/lam||_2 sup g' |a - b| "
        "along the segment.  In terms of z the factor is A''(f)(1 + rho'(z)) with z = A'(f), as rho'(A'(f)) "
        "A''(f) = Q''(f)."
        "  For a symmetric K the spectral norm is the smallest operator norm, because it is the spectral radius."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _penalty_slope),
        Probe(Kind.CERTIFICATE, _root_of_the_cycle),
        Probe(
            Kind.IDENTITY, partial(_slope_at_preactivation, "corrected"), partial(_slope_at_preactivation, "printed")
        ),
        Probe(Kind.PROPERTY, partial(_lipschitz, 1.0), partial(_lipschitz, 0.25)),
    ),
    counterexample=Counterexample(
        "T in {5, 6} (A = 5 eta + log(1 + e^eta)), n = 1, K/lam = 20, observed T = 5, Z = (5, 6)",
        _assumption_2_holds_and_fails,
    ),
    remarks=(
        "For the Bernoulli, binomial and Ising families the printed condition happens to be harmless, "
        "because the closure "
        "of Z contains the maximum of A''.  With a Gaussian q, rho'(z) = c/(z(1 - z)) is unbounded on (0, "
        "1): the printed "
        "condition can never hold, the corrected one can."
    ),
)


# ---- proposition 4 ---------------------------------------------------------------------------------------------------


def _poisson_leaves() -> Refutation:
    product = 0.5 * float(enclose(sp.exp(sp.Rational(1, 2)), {}))
    lowest = float(enclose(sp.exp(sp.Rational(5, 4)), {}))
    fixed = 1.8
    for _ in range(60):
        fixed -= (fixed - np.exp(0.5 * (3 - fixed))) / (1 + 0.5 * np.exp(0.5 * (3 - fixed)))
    return Refutation(
        product < 1 < lowest,
        f"the product is {product:.4g} < 1, but H(z) >= exp(5/4) = {lowest:.4g} on [0, 1/2]: the only fixed point is "
        f"{fixed:.12f}, outside",
        {"product": product, "smallest value of H": lowest, "fixed point": float(fixed)},
        "ball arithmetic",
    )


def _poisson_root() -> Check:
    low, high = Fraction(18115900829824, 10**13), Fraction(18115900829825, 10**13)
    statement = "the fixed point of z = exp((3 - z)/2) is 1.8115900829824..."
    return brackets("Poisson", statement, z - sp.exp((3 - z) / 2), z, low, high)


_PROPOSITION_4 = Theorem(
    key="kglm/proposition-4",
    source=cite(_PAPER, "Proposition 4"),
    number="Proposition 4",
    title="Exactly one fixed point",
    hypotheses=(*_SETTING, _MODULUS),
    printed="Under Assumption 2, with any open strictly convex Z, (7) has exactly one fixed point in the closure of Z.",
    standing=Standing.WRONG,
    corrected=(
        "If L < 1, (7) has exactly one fixed point and plain iteration in f converges to it from any start, "
        "|f_k - f*| <= "
        "L^k |f_0 - f*|.  (Uniqueness needs no condition: Theorem 3+.)"
    ),
    proof=(
        "Banach's theorem for Hf on R^n.  The printed proof has three gaps: it needs H to map the closure of Z into "
        "itself; the Jacobian is diag(sigma'(u))(W1 + W3 diag rho'(z)), in this order, with W3 rho(z) in u; and A'' is "
        "bounded at means instead of pre-activations."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, partial(_jacobian, "corrected"), partial(_jacobian, "printed")),
        Probe(Kind.CERTIFICATE, _poisson_root),
        Probe(Kind.PROPERTY, partial(_convergence, 0.9), partial(_convergence, 20.0)),
    ),
    counterexample=Counterexample("Poisson, n = 1, K/lam = 1/2, T = 3, Z = (0, 1/2)", _poisson_leaves),
)


# ---- the derivation of (7) -------------------------------------------------------------------------------------------


def _solve_for_f(shift: bool) -> Check:
    """From K (A' + Q' - T + lam a) = 0 to Ka = (1/lam) K (T - A' - Q'), for a general symmetric K on two points."""
    p, q, r = sp.symbols("p q r", real=True)
    lam = sp.Symbol("lam", positive=True)
    kernel = sp.Matrix([[p, q], [q, r]])
    a, t, s, u = (sp.Matrix(sp.symbols(f"{name}1:3", real=True)) for name in ("a", "T", "s", "u"))
    stationarity = kernel * (s + u - t + lam * a)
    stated = kernel * (t - s - u) / lam
    rest = kernel * a - stated - stationarity / lam + (t if shift else sp.zeros(2, 1))
    return identity("rearranged", "Ka - (1/lam)(KT - KA' - KQ') is the gradient over lam", list(rest))


_DERIVATION = Theorem(
    key="kglm/equations-15-16",
    source=cite(_PAPER, "(15), (16)"),
    number="(15)-(16)",
    title="From stationarity to the fixed point",
    hypotheses=_SETTING,
    printed="Stationarity gives K a = (1/lam)(KT - K A'(Ka) - K Q'(Ka)); applying A' gives the fixed-point equation.",
    standing=Standing.RIGHT,
    proof="Divide by lam; then Q'(Ka) = rho(A'(Ka)) because A' is strictly increasing, hence injective.",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.IDENTITY, partial(_solve_for_f, False), partial(_solve_for_f, True)),),
    remarks="The sentence that the fixed point is not necessarily unique is unnecessary: Theorem 3+.",
)


# ---- regularisation --------------------------------------------------------------------------------------------------


def _normalised(ratio: sp.Rational) -> Check:
    """||K/lam|| for lam = ratio ||K||."""
    norm = 1 / ratio
    return exact("scaling", f"lam = {ratio} ||K|| gives ||K/lam|| < 1", bool(norm < 1), f"||K/lam|| = {norm}")


def _too_small() -> Refutation:
    norm = Fraction(1) / Fraction(1, 2)
    return Refutation(norm >= 1, f"K = 1 and lam = 1/2 < ||K|| give ||K/lam|| = {norm}", {"norm": float(norm)})


_NORMALISATION = Theorem(
    key="kglm/section-3.3-normalisation",
    source=cite(_PAPER, "section 3.3, spectral normalisation"),
    number="Section 3.3",
    title="Spectral normalisation",
    hypotheses=_SETTING,
    printed="If lam is less than the spectral norm of K, then ||K/lam|| < 1.",
    standing=Standing.MISPRINT,
    corrected="If lam > ||K|| sup (A'' + Q''), then L < 1.",
    proof="",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.CERTIFICATE, partial(_normalised, sp.Rational(3, 2)), partial(_normalised, sp.Rational(1, 2))),),
    counterexample=Counterexample("K = 1, lam = 1/2", _too_small),
)


def _square_form(bound: sp.Rational) -> Check:
    variance = expit(eta).definition * (1 - expit(eta).definition)
    square = (expit(eta).definition - sp.Rational(1, 2)) ** 2
    return identity("square form", f"p (1 - p) = {bound} - (p - 1/2)^2", variance - bound + square)


_BERNOULLI = Theorem(
    key="kglm/appendix-g-norm",
    source=cite(_PAPER, "appendix G"),
    number="Appendix G",
    title="Contraction of kernel logistic regression",
    hypotheses=_SETTING,
    printed="Assumption 2 needs ||K/lam|| <= 1 for kernel logistic regression; lam = 2 ||K|| ensures it.",
    standing=Standing.SHARPENED,
    corrected="||K/lam|| < 4 suffices, as sup A'' = 1/4; lam = 2 ||K|| gives L = 1/8.",
    proof="A'' = p(1 - p) = 1/4 - (p - 1/2)^2.",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.IDENTITY, partial(_square_form, sp.Rational(1, 4)), partial(_square_form, sp.Rational(1, 5))),),
)


# ---- appendix H ------------------------------------------------------------------------------------------------------


def _one_input(row: str) -> Check:
    """One input and a Gaussian family: K = M = 1, lam = 3, T = 0."""
    lam, m, t, f = sp.Integer(3), sp.Integer(1), sp.Integer(0), sp.Rational(-1, 4)  # f = (t - f - m)/lam
    mean = f + m
    right = (t - mean + m) / lam if row == "printed" else (t - mean) / lam + m
    truth = f == (t - f - m) / lam and right == mean
    return exact("one input", "A'(f + M) is the right-hand side", truth, f"left {mean}, right {right}")


def _random_means(row: str) -> Check:
    """Random problems with a mean function: the display at the true MAP, in the canonical parameter."""
    rng = np.random.default_rng(17)
    worst, count = 0.0, 0
    for problem in instances(17, 160):
        m = rng.uniform(0.2, 1.5, len(problem.kernel)) * rng.choice([-1, 1])
        family, prior = (shifted(function, m) for function in (problem.family, problem.prior))
        moved = Instance(problem.kernel, problem.cross, problem.regularisation, problem.statistics, family, prior)
        f, _ = estimate(moved)
        right = moved.map(f) + (m / problem.regularisation if row == "printed" else m)
        scale = (1 + min(problem.modulus, 1e3)) * (1 + np.max(np.abs(f)))
        worst = max(worst, float(np.max(np.abs(f + m - right)) / scale))
        count += 1
    return agrees("random means", "f + M = (1/lam)(KT - K A'(f+M) - K Q'(f+M)) + M", worst, 1e-11, count)


def _inside() -> Refutation:
    lam, m = Fraction(3), Fraction(1)
    f = -m / (lam + 1)  # f = (0 - f - m)/lam
    z = f + m
    display = (0 - z + m) / lam
    return Refutation(
        z != display,
        f"the MAP is f = {f}, so z = f + M = {z}; the right-hand side with M inside is {display}",
        {"z": float(z), "display": float(display)},
    )


_APPENDIX_H = Theorem(
    key="kglm/appendix-h",
    source=cite(_PAPER, "appendix H"),
    number="Appendix H",
    title="Means of the canonical parameter",
    hypotheses=_SETTING,
    printed="With M = m(X): A'(f + M) = A'((1/lam)(KT - K A'(f + M) - K Q'(f + M) + M)).",
    standing=Standing.MISPRINT,
    corrected=(
        "A'(f + M) = A'((1/lam)(KT - K A'(f + M) - K Q'(f + M)) + M): M stands outside, as in the lines around it."
    ),
    proof="f = (1/lam)(KT - K A'(f + M) - K Q'(f + M)) as before; add M, apply A'.",
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.CERTIFICATE, partial(_one_input, "corrected"), partial(_one_input, "printed")),
        Probe(Kind.PROPERTY, partial(_random_means, "corrected"), partial(_random_means, "printed")),
    ),
    counterexample=Counterexample("Gaussian family, n = 1, K = M = 1, lam = 3, T = 0, q = 1", _inside),
    remarks="The canonical parameter at new points is f(new) + m(new).",
)

THEOREMS = (_ASSUMPTION_2, _PROPOSITION_4, _DERIVATION, _NORMALISATION, _BERNOULLI, _APPENDIX_H)
