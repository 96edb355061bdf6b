"""The Ising warm-up of the declarative-nets paper (appendix C)."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import sympy as sp

from dekderive.citations import cite
from dekderive.theorems.evidence import agrees, identity
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "tsuchida2022declarative"
_SETTING = ("k is positive semi-definite", "no interactions: J = 0", "lam > 0 and t > 0")
_T, _LAM = sp.Symbol("t", positive=True), sp.Symbol("lam", positive=True)
_A = sp.Matrix(sp.symbols("a1:3", real=True))
_Y = sp.Matrix(sp.symbols("Y1:3", real=True))


def _general_kernel() -> sp.Matrix:
    p, q, r = sp.symbols("p q r", real=True)
    return sp.Matrix([[p, q], [q, r]])


def _tanh(x: sp.Expr) -> sp.Expr:
    return sp.sinh(x) / sp.cosh(x)


# ---- the partition function ------------------------------------------------------------------------------------------


def _partition(form: str) -> Check:
    f = sp.symbols("f1:4", real=True)
    total = sum(sp.exp(sum(s * x for s, x in zip(signs, f, strict=True)) / _T) for signs in product((1, -1), repeat=3))
    factors = [2 * sp.cosh(x / _T) for x in f]
    stated = factors[0] if form == "printed" else sp.prod(factors)
    return identity("three spins", "Z = product of 2 cosh(f_p/t)", sp.expand((total - stated).rewrite(sp.exp)))


def _missing_factor() -> Refutation:
    total = sum(1 for _ in product((1, -1), repeat=2))
    return Refutation(
        total != 2, f"for f = 0 the partition function is {total}, not 2 cosh(0) = 2", {"Z": float(total)}
    )


_PARTITION = Theorem(
    key="kglm/appendix-c-partition",
    source=cite(_PAPER, "appendix C.1"),
    number="Appendix C.1",
    title="Partition function without interactions",
    hypotheses=_SETTING,
    printed="Z = 2 cosh(f(x_p)/t).",
    standing=Standing.MISPRINT,
    corrected="Z = product over the sites p of 2 cosh(f(x_p)/t); the objective that follows uses it.",
    proof="Without interactions the sum over configurations factorises; it is expanded for three spins.",
    basis=Basis.PROOF,
    probes=(Probe(Kind.IDENTITY, partial(_partition, "corrected"), partial(_partition, "printed")),),
    counterexample=Counterexample("two sites, f = 0", _missing_factor),
)


# ---- (12): stationarity and Newton's method --------------------------------------------------------------------------


def _stationarity() -> Check:
    kernel = _general_kernel()
    f = kernel * _A
    log_terms = sum(sp.log(2 * sp.cosh(x)) for x in f)
    objective = -(_Y.T * f)[0] + log_terms + _T * _LAM / 2 * (_A.T * f)[0]
    gradient = sp.Matrix([objective]).jacobian(_A).T
    stated = kernel * (-_Y + f.applyfunc(_tanh) + _T * _LAM * _A)
    return identity("gradient", "F(a) = -KY + K tanh(Ka) + t lam K a", list((gradient - stated).applyfunc(sp.expand)))


def _newton_matrix() -> Check:
    kernel = _general_kernel()
    f = kernel * _A
    equation = kernel * (-_Y + f.applyfunc(sp.tanh) + _T * _LAM * _A)
    slope = sp.diag(*f.applyfunc(lambda x: 1 - sp.tanh(x) ** 2))
    stated = kernel * slope * kernel + _T * _LAM * kernel
    x = sp.Symbol("x", real=True)
    square = sp.simplify((1 - _tanh(x) ** 2 - 1 / sp.cosh(x) ** 2).rewrite(sp.exp))
    differences = [*(equation.jacobian(_A) - stated).applyfunc(sp.expand), square]
    return identity("Jacobian", "dF/da = K D K + t lam K, D = diag(sech^2(Ka))", differences)


def _determinant(form: str) -> Check:
    """A repeated input: K = [[1, 1], [1, 1]], and any D = diag(d1, d2)."""
    d1, d2 = sp.symbols("d1 d2", positive=True)
    kernel, slope = sp.ones(2, 2), sp.diag(d1, d2)
    scale = _T * _LAM
    if form == "printed":
        difference = (kernel * slope * kernel + scale * kernel).det() - scale**2
    else:
        root = slope.applyfunc(sp.sqrt)
        difference = (scale * sp.eye(2) + root * kernel * root).det() - scale * (scale + d1 + d2)
    return identity(
        "repeated input", "det(t lam I + S K S) = t lam (t lam + d1 + d2) > 0, S^2 = D", sp.expand(difference)
    )


def _same_step() -> Check:
    """(t lam I + D K) da = -(tanh(Ka) - Y + t lam a) implies J da = -F, whatever K is: multiply by K."""
    kernel = _general_kernel()
    d1, d2 = sp.symbols("d1 d2", positive=True)
    slope = sp.diag(d1, d2)
    left = kernel * (_T * _LAM * sp.eye(2) + slope * kernel)
    return identity(
        "Newton step", "K (t lam I + D K) = K D K + t lam K", list(left - kernel * slope * kernel - _T * _LAM * kernel)
    )


def _singular() -> Refutation:
    kernel = np.ones((2, 2))
    slope = np.diag([0.75, 0.75])
    determinant = float(np.linalg.det(kernel @ slope @ kernel + kernel))
    return Refutation(
        abs(determinant) < 1e-14,
        "for a repeated input K = [[1, 1], [1, 1]], and J = KDK + t lam K is a multiple of K for every D: det J = 0",
        {"det J": 0.0},
    )


_STATIONARITY = Theorem(
    key="kglm/equation-12",
    source=cite(_PAPER, "(12)"),
    number="(12)",
    title="Newton's method for the Ising model",
    hypotheses=_SETTING,
    printed=(
        "The problem is strictly convex in a; its stationarity is -KY + K tanh(Ka) + t lam K a = 0 (12), and "
        "each Newton "
        "step solves a linear system with the matrix J = K D K + t lam K, D = diag(sech^2(Ka))."
    ),
    standing=Standing.WRONG,
    corrected=(
        "(12) and J are right, but for a singular K the problem is not strictly convex in a and J is "
        "singular.  The matrix "
        "t lam I + S K S with S = sqrt(D) is always positive definite, with condition number at most 1 + L, L = "
        "||K||/(t lam), and gives the same step in f."
    ),
    proof=(
        "J = K (t lam I + D K).  The step (t lam I + D K) da = -(tanh(Ka) - Y + t lam a) solves J da = -F, "
        "and t lam I + DK "
        "is similar to t lam I + SKS, whose eigenvalues lie between t lam and t lam + ||K|| because D <= I."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _stationarity),
        Probe(Kind.IDENTITY, _newton_matrix),
        Probe(Kind.IDENTITY, _same_step),
        Probe(Kind.IDENTITY, partial(_determinant, "corrected"), partial(_determinant, "printed")),
    ),
    counterexample=Counterexample("two equal inputs, K = [[1, 1], [1, 1]], t lam = 1, any a", _singular),
    remarks=(
        "The condition number of J itself grows like that of K squared; appendix C.2 calls (12) a fixed point: a root."
    ),
)


# ---- (13), (14) ------------------------------------------------------------------------------------------------------


def _temperatures(power: int) -> Check:
    """K = k/t: f = k b = t K b and the penalty lam/2 b'kb = t lam/2 b'Kb."""
    k, kn, b = sp.symbols("k kn b", real=True)
    kernel, cross = k / _T, kn / _T
    penalty = _LAM / 2 * b * k * b - _T * _LAM / 2 * b * kernel * b
    return identity("temperature", "f(new) = t K~ a with K~ = k(new, X)/t", [kn * b - _T**power * cross * b, penalty])


_PREDICTOR = Theorem(
    key="kglm/equation-13",
    source=cite(_PAPER, "(13)"),
    number="(13)",
    title="Predictor of the Ising model",
    hypotheses=_SETTING,
    printed="f(new) = t K~ a with K~ = k(new, X)/t and K = k(X, X)/t.",
    standing=Standing.RIGHT,
    proof="k(new, X) a = t K~ a, and the penalty lam/2 a'k a = t lam/2 a'K a: the factors t are where they belong.",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.IDENTITY, partial(_temperatures, 1), partial(_temperatures, 0)),),
)


def _solution_gives_coefficients() -> Check:
    """A = (Y - z)/(t lam) for a solution z of (14): Ka is the pre-activation, and t K~ a = K~ (Y - z)/lam."""
    kernel = _general_kernel()
    z = sp.Matrix(sp.symbols("z1:3", real=True))
    a = (_Y - z) / (_T * _LAM)
    preactivation = (-kernel * z + kernel * _Y) / (_T * _LAM)
    cross = sp.Matrix(1, 2, sp.symbols("c1:3", real=True))
    prediction = _T * cross * a - (cross * _Y - cross * z) / _LAM
    return identity(
        "readout", "Ka = W1 z + W2 Y and t K~ a = V1 z + V2 Y", [*(kernel * a - preactivation), *prediction]
    )


_F = sp.Symbol("f", real=True)


def _cycles() -> Refutation:
    z = 0.5
    trail = []
    for _ in range(200):
        z = float(np.tanh(-20 * z))
        trail.append(z)
    return Refutation(
        abs(trail[-1] - trail[-3]) < 1e-12 and abs(trail[-1] - trail[-2]) > 1.9,
        "||K|| = 1, but the slope at the solution z = 0 is -20, and plain iteration alternates between "
        f"{max(trail[-2:]):.6f} "
        f"and {min(trail[-2:]):.6f}; the solution is unique all the same, because 20 tanh f + f increases",
        {"slope": -20.0, "high": max(trail[-2:]), "low": min(trail[-2:])},
        "floating point, with a margin",
    )


def _uniqueness() -> Check:
    """The derivative of f + (K/(t lam)) tanh f is at least 1 for one site with K >= 0."""
    g = sp.Symbol("g", nonnegative=True)
    slope = (_F + g * sp.tanh(_F)).diff(_F) - 1
    return identity("monotone", "(f + g tanh f)' = 1 + g sech^2 f >= 1", slope - g * (1 - sp.tanh(_F) ** 2))


def _picard(norm: float) -> Check:
    """Iterate (14) for one site with ||K||/(t lam) = norm and compare with the solution 0 of Y = 0."""
    z = 0.5
    for _ in range(400):
        z = float(np.tanh(-norm * z))
    return agrees(
        "plain iteration", "z <- tanh(-K z/(t lam)) converges to 0 if ||K||/(t lam) < 1", abs(z), 1e-10, 1, "orbit"
    )


_DEQ = Theorem(
    key="kglm/equation-14",
    source=cite(_PAPER, "(14)"),
    number="(14)",
    title="The Ising model as a DEQ",
    hypotheses=_SETTING,
    printed=(
        "z = tanh(K(Y - z)/(t lam)) (14) may have several solutions; the norm of K being at most 1 makes it "
        "unique (as a "
        "contraction); otherwise the output depends on the solver and its start."
    ),
    standing=Standing.WRONG,
    corrected=(
        "(14) has exactly one solution for every positive semi-definite K, and a = (Y - z)/(t lam) gives the "
        "prediction "
        "without inverting K.  Plain iteration is a contraction if ||K||/(t lam) < 1."
    ),
    proof="Theorem 3+ with A = log cosh; sup A'' = 1.",
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _solution_gives_coefficients),
        Probe(Kind.IDENTITY, _uniqueness),
        Probe(Kind.PROPERTY, partial(_picard, 0.9), partial(_picard, 20.0)),
    ),
    counterexample=Counterexample("one site, K = 1, t lam = 1/20, Y = 0", _cycles),
)

THEOREMS = (_PARTITION, _STATIONARITY, _PREDICTOR, _DEQ)
