"""Sensitivity of the fixed points to the weights, and norms of random matrices (declarative nets, appendix I)."""

from __future__ import annotations

from functools import partial

import numpy as np
import sympy as sp

from dekderive.certificates import enclose
from dekderive.citations import cite
from dekderive.theorems.evidence import agrees, exact, identity, positive
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "tsuchida2022declarative"


# ---- propositions 12 and 13 ------------------------------------------------------------------------------------------


def _fixed_point(matrix: np.ndarray, y: np.ndarray) -> np.ndarray:
    z = np.zeros(len(y))
    for _ in range(2000):
        last, z = z, np.tanh(matrix @ (y - z))
        if np.max(np.abs(z - last)) < 1e-15:
            break
    return z


def _random_matrix(rng: np.random.Generator, n: int, norm: float) -> np.ndarray:
    matrix = rng.standard_normal((n, n))
    return matrix * (norm / np.linalg.norm(matrix, 2))


def _bound_on_difference(factor: float) -> Check:
    """Sigma = tanh has L_sigma = 1 on the line and sigma(0) = 0; the wrong form of the bound is a tenth of it."""
    rng = np.random.default_rng(12)
    worst = -np.inf
    for _ in range(120):
        n = int(rng.integers(1, 7))
        a = _random_matrix(rng, n, rng.uniform(0.1, 0.97))
        b = _random_matrix(rng, n, rng.uniform(0.1, 0.97)) if rng.random() < 0.5 else 0.98 * a
        y = 0.1 * rng.standard_normal(n)
        gap = np.linalg.norm(_fixed_point(a, y) - _fixed_point(b, y))
        la, lb = np.linalg.norm(a, 2), np.linalg.norm(b, 2)
        bound = np.linalg.norm(y) * np.linalg.norm(a - b, 2) / ((1 - la) * (1 - lb))
        worst = max(worst, float(gap - factor * bound))
    return agrees("random matrices", "|z1 - z2| <= bound", worst, 1e-9, 120)


def _attained() -> Check:
    """Sigma = id, A = -9/10, B = -8/10: z = AY/(1 + A)."""
    y = sp.Symbol("Y", positive=True)
    a, b = sp.Rational(-9, 10), sp.Rational(-8, 10)
    gap = abs(a * y / (1 + a) - b * y / (1 + b))
    bound = y * abs(a - b) / ((1 - abs(a)) * (1 - abs(b)))
    return identity("sharp", "for sigma = id, A = -.9, B = -.8 both sides are 5 |Y|", gap - bound)


def _steps_of_the_bound() -> Check:
    """|z1 - z2| (1 - L1) <= L |A - B| |Y - z2| and |Y - z2| (1 - L2) <= |Y - sigma(0)|: solve for |z1 - z2|."""
    ls, l1, l2, ab, y = sp.symbols("Ls L1 L2 d y", positive=True)
    distance = y / (1 - l2)
    return identity(
        "algebra",
        "the two inequalities combine to the bound",
        ls * ab * distance / (1 - l1) - ls * y * ab / ((1 - l1) * (1 - l2)),
    )


def _literal_lipschitz() -> Refutation:
    """Sigma = 5 + 4 expit has values in Z = (5, 9), where sigma' <= 4 expit(5) expit(-5); Y = 8, A = 1/2, B = 2/5."""
    lipschitz = 4 * np.exp(-5.0) / (1 + np.exp(-5.0)) ** 2
    roots = []
    for slope in (0.5, 0.4):
        z = 7.0
        for _ in range(500):
            z = 5 + 4 / (1 + np.exp(-slope * (8 - z)))
        roots.append(float(z))
    gap = abs(roots[0] - roots[1])
    bound = float(lipschitz * abs(8 - 7) * 0.1 / ((1 - 0.5 * lipschitz) * (1 - 0.4 * lipschitz)))
    return Refutation(
        gap > 2 * bound,
        f"on Z = (5, 9) the Lipschitz constant is {lipschitz:.4f} and the bound {bound:.6f}, but |z1 - z2| = {gap:.6f}",
        {"difference": gap, "bound": bound, "Lipschitz constant on Z": float(lipschitz)},
        "floating point, with a margin",
    )


_PROPOSITION_12 = Theorem(
    key="kglm/proposition-12",
    source=cite(_PAPER, "Proposition 12"),
    number="Proposition 12",
    title="Two weight matrices",
    hypotheses=(
        "L is the Lipschitz constant of sigma on a convex set that contains 0 and the pre-activations A(Y - "
        "z), B(Y - z)",
        "L1 = L ||A|| < 1 and L2 = L ||B|| < 1",
    ),
    printed=(
        "|z1 - z2| <= L |Y - sigma(0)| ||A - B|| / ((1 - L1)(1 - L2)), with L the Lipschitz constant of sigma on "
        "the set Z of the z."
    ),
    standing=Standing.WRONG,
    corrected="The same bound, with L the Lipschitz constant on the pre-activations.  It is attained.",
    proof=(
        "sigma(A(Y - z1)) - sigma(B(Y - z2)) = [sigma(A(Y - z1)) - sigma(A(Y - z2))] + [sigma(A(Y - z2)) - "
        "sigma(B(Y - z2))] "
        "gives (1 - L1)|z1 - z2| <= L ||A - B|| |Y - z2|; z2 - sigma(0) = sigma(B(Y - z2)) - sigma(0) gives "
        "(1 - L2)|Y - z2| "
        "<= |Y - sigma(0)|."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _steps_of_the_bound),
        Probe(Kind.IDENTITY, _attained),
        Probe(Kind.PROPERTY, partial(_bound_on_difference, 1.0), partial(_bound_on_difference, 0.1)),
    ),
    counterexample=Counterexample(
        "sigma = 5 + 4 expit, Z = (5, 9), n = 1, Y = 8, A = 1/2, B = 2/5", _literal_lipschitz
    ),
)


def _nearest_definite(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    n = int(rng.integers(1, 7))
    a = _random_matrix(rng, n, rng.uniform(0.1, 0.97))
    values, vectors = np.linalg.eigh((a + a.T) / 2)
    b = (vectors * np.maximum(values, 0)) @ vectors.T
    return a, b, max(0.0, -float(values[0])) + float(np.linalg.norm((a - a.T) / 2, 2))


def _definite_neighbour(factor: float) -> Check:
    rng = np.random.default_rng(13)
    worst = -np.inf
    for _ in range(120):
        a, b, reach = _nearest_definite(rng)
        y = 0.1 * rng.standard_normal(len(a))
        gap = np.linalg.norm(_fixed_point(a, y) - _fixed_point(b, y))
        bound = np.linalg.norm(y) * reach / (1 - np.linalg.norm(a, 2)) ** 2
        worst = max(worst, float(gap - factor * bound))
    return agrees("random matrices", "min |z1 - z2| <= L |Y - sigma(0)|/(1 - L1)^2 (l + ||A2||)", worst, 1e-9, 120)


def _splitting() -> Check:
    """A = (A + A')/2 + (A - A')/2; the eigenvalues of A + A' are twice those of the symmetric part."""
    a = sp.Matrix(2, 2, sp.symbols("a1:5", real=True))
    x = sp.Symbol("x")
    symmetric, skew = (a + a.T) / 2, (a - a.T) / 2
    twice = (a + a.T - 2 * x * sp.eye(2)).det() - 4 * (symmetric - x * sp.eye(2)).det()
    return identity("splitting", "det(A + A' - 2x) = 4 det(A1 - x)", [sp.expand(twice), *(symmetric + skew - a)])


_PROPOSITION_13 = Theorem(
    key="kglm/proposition-13",
    source=cite(_PAPER, "Proposition 13"),
    number="Proposition 13",
    title="The nearest positive semi-definite weights",
    hypotheses=(
        "as for Proposition 12, with Euclidean norms",
        "B ranges over positive semi-definite matrices with L ||B|| < 1",
    ),
    printed=(
        "The minimum over B >= 0 of |z1 - z2| is at most L |Y - sigma(0)|/(1 - L1)^2 (l + ||A2||), A2 the skew "
        "part, -l the lowest eigenvalue of A1 or 0."
    ),
    standing=Standing.SHARPENED,
    corrected="The infimum over B >= 0 with L ||B|| < 1 (others need not have a fixed point) obeys the bound.",
    proof=(
        "Take for B the positive part of A1: ||A - B|| <= ||A2|| + l and ||B|| <= ||A1|| <= ||A||; apply "
        "Proposition 12.  "
        "In the printed proof, with the factor 1/2, Lambda holds the eigenvalues of A + A'."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _splitting),
        Probe(Kind.PROPERTY, partial(_definite_neighbour, 1.0), partial(_definite_neighbour, 0.1)),
    ),
)


# ---- the coarse inequality -------------------------------------------------------------------------------------------


def _coarse(factor: float) -> Check:
    rng = np.random.default_rng(14)
    worst = -np.inf
    for _ in range(300):
        a, _, reach = _nearest_definite(rng)
        worst = max(worst, reach / float(np.linalg.norm(a, 2)) - factor)
    return agrees("random matrices", f"l + ||A2|| <= {factor:g} ||A||", worst, 1e-12, 300)


def _tight() -> Check:
    """diag(-1) and a rotation by a right angle: l = 1, ||A2|| = 1, ||A|| = 1."""
    a = sp.Matrix([[-1, 0, 0], [0, 0, -1], [0, 1, 0]])
    symmetric, skew = (a + a.T) / 2, (a - a.T) / 2
    norms = [max(sp.sqrt(v) for v in (m.T * m).eigenvals()) for m in (a, skew)]
    lowest = -min(symmetric.eigenvals())
    return exact("tight", "l + ||A2|| = 2 ||A|| for diag(-1) + rotation", lowest + norms[1] == 2 * norms[0])


def _not_equal() -> Refutation:
    norm = sp.eye(2).norm(2)
    return Refutation(
        2 * norm != norm,
        f"for A = I, 2 ||A|| = {2 * norm} while L_A = ||A|| = {norm}",
        {"2 ||A||": float(2 * norm), "L_A": float(norm)},
    )


_COARSE = Theorem(
    key="kglm/appendix-i-coarse",
    source=cite(_PAPER, "proof of Proposition 14"),
    number="Proposition 14, proof",
    title="A coarse inequality",
    hypotheses=(),
    printed="l + ||A2|| <= 2 ||A|| = L_A.",
    standing=Standing.MISPRINT,
    corrected="l + ||A2|| <= 2 ||A|| = 2 L_A, which is tight.",
    proof="l <= ||A1||, and ||A1||, ||A2|| <= ||A|| by the triangle inequality, as ||A'|| = ||A||.",
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.CERTIFICATE, _tight),
        Probe(Kind.PROPERTY, partial(_coarse, 2.0), partial(_coarse, 1.0)),
    ),
    counterexample=Counterexample("A = I", _not_equal),
)


# ---- random matrices -------------------------------------------------------------------------------------------------


# n = 1, sigma = id, Y = 1, C = 1/2, t = 12.  For A = -a, 0 < a < 1, z1 = -a/(1 - a) and z2 = B/(1 + B) >= 0: the best B
# is 0, and |z1| = a/(1 - a) exceeds the bound 2C/(1 - C)^2 = 4 exactly if a > 4/5.


def _probability(deviations: sp.Expr) -> sp.Expr:
    """P(4/5 < a < 1), where C/L = 1/2 is so many standard deviations."""
    return (sp.erfc(sp.Rational(8, 5) * deviations / sp.sqrt(2)) - sp.erfc(2 * deviations / sp.sqrt(2))) / 2


_ALLOWED = 2 * sp.exp(-72)


def _one_by_one(form: str) -> Check:
    deviations = 2 * sp.sqrt(13) if form == "printed" else sp.Integer(2 + 12)
    gap = (_ALLOWED - _probability(deviations)) / _ALLOWED
    return positive("n = 1, t = 12", "P(min |z1 - z2| > bound) <= 2 exp(-t^2/2)", gap)


def _tail_too_heavy() -> Refutation:
    tail, allowed = (float(enclose(e, {})) for e in (_probability(2 * sp.sqrt(13)), _ALLOWED))
    return Refutation(
        tail > allowed,
        f"the bound fails with probability at least {tail:.3g}, four times the {allowed:.3g} that are allowed",
        {"probability": tail, "allowed": allowed},
        "ball arithmetic",
    )


def _consequence() -> Check:
    """2 L1 |Y - sigma(0)|/(1 - L1)^2 increases in L1 < 1, so that L1 < C gives the printed square."""
    x, y = sp.Symbol("x", positive=True), sp.Symbol("y", positive=True)
    slope = (2 * x * y / (1 - x) ** 2).diff(x)
    return identity("monotone", "the derivative is 2 y (1 + x)/(1 - x)^3 > 0", slope - 2 * y * (1 + x) / (1 - x) ** 3)


def _tail(deviations: float) -> Check:
    """Frequency of ||A|| >= nu (2 sqrt n + deviations), n = 5, against exp(-1/2); the wrong form has sqrt n instead."""
    rng = np.random.default_rng(15)
    norms = np.linalg.norm(rng.standard_normal((20_000, 5, 5)), 2, axis=(1, 2))
    allowed = np.exp(-0.5)
    frequency = float(np.mean(norms >= 2 * np.sqrt(5) + deviations))
    excess = frequency - allowed - 5 * np.sqrt(allowed / 20_000)
    return agrees("5 x 5 matrices", "P(||A|| >= nu (2 sqrt n + t)) <= exp(-t^2/2), t = 1", float(excess), 0.0, 20_000)


_PROPOSITION_14 = Theorem(
    key="kglm/proposition-14",
    source=cite(_PAPER, "Proposition 14"),
    number="Proposition 14",
    title="Random weights",
    hypotheses=("C < 1 and C/L < 1", "A has independent centred Gaussian entries of standard deviation nu"),
    printed=(
        "With nu = (C/L)/(2 sqrt(n + t)), with probability at least 1 - 2 exp(-t^2/2) the minimum of |z1 - z2|^2 "
        "is at most 4 (C |Y - sigma(0)|/(1 - C)^2)^2."
    ),
    standing=Standing.WRONG,
    corrected=(
        "The same with nu = (C/L)/(2 sqrt(n) + t), for C < 1 and C/L < 1; then |z1 - z2|^2/n <= 4 D C^2/(1 - "
        "C)^4 if |Y - sigma(0)|^2 <= D n."
    ),
    proof=(
        "Theorem 15 with n1 = n2 = n gives ||A|| < C/L; then Proposition 13 and the coarse inequality, as x/(1 - "
        "x)^2 increases."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _consequence),
        Probe(Kind.CERTIFICATE, partial(_one_by_one, "corrected"), partial(_one_by_one, "printed")),
    ),
    counterexample=Counterexample("n = 1, sigma = id, Y = 1, C = 1/2, t = 12", _tail_too_heavy),
    remarks=(
        "The step of the proof that breaks is ||A|| < C/L: for n = 100, t = 4 it fails with probability .023, "
        "not 6.7e-4."
    ),
)


def _scalar_tail() -> Check:
    """n1 = n2 = 1: P(|g| >= 2 + t) = erfc((2 + t)/sqrt 2) at t = 0, 1, 3, 8."""
    gaps = [2 * sp.exp(-sp.Rational(t**2, 2)) - sp.erfc((2 + t) / sp.sqrt(2)) for t in (0, 1, 3, 8)]
    values = [enclose(g, {}) for g in gaps]
    return exact(
        "scalars",
        "erfc((2 + t)/sqrt 2) < 2 exp(-t^2/2) at t = 0, 1, 3, 8",
        all(v.is_positive for v in values),
        "ball arithmetic",
    )


_THEOREM_15 = Theorem(
    key="kglm/theorem-15",
    source=cite(_PAPER, "Theorem 15, after Rudelson and Vershynin (2010), Theorem 2.6"),
    number="Theorem 15",
    title="Norm of a Gaussian matrix",
    hypotheses=("A is n1 x n2 with independent centred Gaussian entries of standard deviation nu", "t >= 0"),
    printed="P(||A|| < nu (sqrt(n1) + sqrt(n2) + t)) >= 1 - 2 exp(-t^2/2).",
    standing=Standing.SHARPENED,
    corrected="P(||A|| < nu (sqrt(n1) + sqrt(n2) + t)) >= 1 - exp(-t^2/2).",
    proof=(
        "E ||A|| <= nu (sqrt(n1) + sqrt(n2)) by Gordon's comparison, and the norm is a 1-Lipschitz function "
        "of the entries, "
        "so its upper deviations are at most exp(-t^2/2) (Gaussian concentration, one side).  Both are quoted."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.CERTIFICATE, _scalar_tail),
        Probe(Kind.SIMULATION, partial(_tail, 1.0), partial(_tail, 1.0 - 5**0.5)),
    ),
)


THEOREMS = (_PROPOSITION_12, _PROPOSITION_13, _COARSE, _PROPOSITION_14, _THEOREM_15)
