"""The tangent kernel of fully connected equilibrium models at infinite depth (section 3.2 of the DEQ-NTK paper)."""

from __future__ import annotations

from functools import partial

import numpy as np
import sympy as sp

from dekderive.citations import cite
from dekderive.duals import dual
from dekderive.symbols import kxx, kxy, kyy, z
from dekderive.theorems.arc_cosine import RHO, conjugate, correlation_step, elementary, price, tangent
from dekderive.theorems.evidence import agrees, bounded, brackets, exact, identity
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check, Verdict

__all__ = ["THEOREMS"]

_PAPER = "feng2021deqntk"
_SPHERE = ("|x| = |y| = 1", "sigma_W^2 + sigma_U^2 + sigma_b^2 = 1", "sigma_W^2 < 1", "sigma is the normalised ReLU")


def _self_map() -> Check:
    """0 <= E[ss'] <= 1 at the ends, E[ss'] increases: |R| <= sigma_W^2 + sigma_U^2 + sigma_b^2 = 1."""
    values = [sp.simplify(conjugate(sp.Integer(r))) for r in (-1, 1)]
    return exact(
        "ends",
        "E[ss'] runs from 0 to 1, E[s's'] from 0 to 1",
        values == [0, 1] and tangent(sp.Integer(-1)) == 0 and tangent(sp.Integer(1)) == 1,
    )


def _contracts(modulus: sp.Rational) -> Check:
    """R' = w E[s's'] <= w on [-1, 1], here for w = 3/5, a little slack for the supremum that is attained at 1."""
    slack = sp.Rational(1, 2**20)
    excess = modulus + slack - sp.Rational(3, 5) * tangent(RHO)
    return bounded("contraction", f"R' <= {modulus} on [-1, 1] for sigma_W^2 = 3/5", excess, RHO, -1, 1)


def _geometric_series() -> Check:
    sigma, dot = sp.symbols("Sigma D", positive=True)
    limit = sigma / (1 - dot)
    return identity(
        "linear equation",
        "Theta = Sigma/(1 - D) solves Theta = D Theta + Sigma",
        sp.simplify(limit - dot * limit - sigma),
    )


def _depth(rate: float) -> Check:
    """Equation (6) at depth L against (7), and Sigma^(L) against 2 sigma_W^(2L), over random parameters."""
    rng = np.random.default_rng(9)
    worst, count = -np.inf, 0
    for _ in range(300):
        w = rng.uniform(0, 0.9)
        u = rng.uniform(0, 1 - w)
        s, b = rng.uniform(-1, 1), 1 - w - u
        trail = [s]
        for _ in range(400):
            trail.append(w * correlation_step(trail[-1]) + u * s + b)
        for depth in (1, 3, 6, 10):
            worst = max(worst, abs(trail[depth] - trail[-1]) - 2 * (rate * w) ** depth)
            count += 1
    return agrees("rate", "|Sigma^(L) - Sigma*| <= 2 sigma_W^(2L)", float(worst), 1e-12, count)


def _value() -> Check:
    residual = sp.Rational(3, 5) * conjugate(RHO) - sp.Rational(2, 5) - RHO
    low, high = sp.Rational(-28726, 100000), sp.Rational(-28725, 100000)
    return brackets("value", "Sigma* = -0.28725... for (.6, .4, 0) and y = -x", residual, RHO, low, high, rising=False)


_THEOREM_2 = Theorem(
    key="deq-ntk/theorem-2",
    source=cite(_PAPER, "Theorem 2, (7)-(9)"),
    number="Theorem 2, (7)-(9)",
    title="Tangent kernel of the equilibrium model",
    hypotheses=_SPHERE,
    printed=(
        "Theta* = Sigma*/(1 - dSigma*), where Sigma* is the root of R(rho) = sigma_W^2 E[ss'](rho) + sigma_U^2 "
        "x'y + sigma_b^2 = rho and dSigma* = sigma_W^2 E[s's'](Sigma*)."
    ),
    standing=Standing.SHARPENED,
    corrected=(
        "The same, for all x and y, equal or not, with exactly one root in [-1, 1] and |Sigma^(L) - Sigma*| <= 2 "
        "sigma_W^(2L); Theta*(x, x) = 1/(1 - sigma_W^2).  It is the tangent kernel of a coordinate of the "
        "pre-activation."
    ),
    proof=(
        "R maps [-1, 1] into itself, because 0 <= E[ss'] <= 1 and the variances add up to 1; 0 <= R' = "
        "sigma_W^2 E[s's'] "
        "<= sigma_W^2.  So R is a contraction of all of [-1, 1] with modulus sigma_W^2, and Banach's theorem "
        "gives root and "
        "rate.  Theta^(L+1) = dSigma^(L+1) Theta^(L) + Sigma^(L+1) has coefficients that converge to dSigma* "
        "< 1, so Theta^(L)"
        " converges to the solution of the limiting linear equation."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.CERTIFICATE, _self_map),
        Probe(Kind.IDENTITY, price),
        Probe(Kind.CERTIFICATE, partial(_contracts, sp.Rational(3, 5)), partial(_contracts, sp.Rational(1, 2))),
        Probe(Kind.IDENTITY, _geometric_series),
        Probe(Kind.CERTIFICATE, _value),
        Probe(Kind.PROPERTY, partial(_depth, 1.0), partial(_depth, 0.5)),
    ),
    remarks="A plain linear readout of s(z) has the kernel E[ss'] + E[s's'] Theta*, one of z has Sigma* + Theta*.",
)


def _negative() -> Refutation:
    rho = -1.0
    for _ in range(100):
        rho = 0.6 * correlation_step(rho) - 0.4
    sentence = f"Sigma* = {rho:.8f}, outside every interval [0, c]"
    return Refutation(_value().verdict is Verdict.HOLDS and rho < 0, sentence, {"Sigma*": rho}, "ball arithmetic")


_INTERVAL = Theorem(
    key="deq-ntk/theorem-2-proof",
    source=cite(_PAPER, "proof of Theorem 2"),
    number="Theorem 2, proof",
    title="Where the recursion runs",
    hypotheses=_SPHERE,
    printed="For x != y there is c < 1 such that R is a contraction on [0, c], which contains the fixed point.",
    standing=Standing.WRONG,
    corrected=(
        "R is a contraction on [-1, 1] with modulus sigma_W^2; neither x != y nor c is needed, and Sigma* may be "
        "negative."
    ),
    proof="See Theorem 2: R' = sigma_W^2 E[s's'] <= sigma_W^2 up to and including rho = 1.",
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.CERTIFICATE, partial(_contracts, sp.Rational(3, 5)), partial(_contracts, sp.Rational(1, 2))),
        Probe(Kind.CERTIFICATE, _value),
    ),
    counterexample=Counterexample("(.6, .4, 0), y = -x", _negative),
)


def _limit_equation(keep_dot: bool) -> Check:
    """(12): Theta = dSigma Theta + Sigma, and the wrong form without the dot."""
    theta, sigma, dot = sp.symbols("Theta Sigma D", positive=True)
    solution = sp.solve(theta - (dot if keep_dot else sigma) * theta - sigma, theta)[0]
    return identity("solved", "Theta* = Sigma*/(1 - dSigma*)", sp.simplify(solution - sigma / (1 - dot)))


_EQUATION_12 = Theorem(
    key="deq-ntk/equation-12",
    source=cite(_PAPER, "(12)"),
    number="(12)",
    title="The limit of the recursion",
    hypotheses=_SPHERE,
    printed="Theta* = dSigma* Theta* + Sigma*, hence (7).",
    standing=Standing.RIGHT,
    proof="",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.IDENTITY, partial(_limit_equation, True), partial(_limit_equation, False)),),
)


# ---- lemma 1 and beyond ----------------------------------------------------------------------------------------------


def _partial_sums() -> Check:
    """|Sigma^(h-1)| <= 1 and dSigma <= w: the sum (6) is at most 1 + w + w^2 + ... = 1/(1 - w)."""
    w, n = sp.Symbol("w", positive=True), sp.Symbol("n", integer=True, positive=True)
    partial_sum = (1 - w**n) / (1 - w)
    return identity(
        "geometric series",
        "the majorant adds w^n at depth n",
        sp.simplify(partial_sum.subs(n, n + 1) - partial_sum - w**n),
    )


_LEMMA_1 = Theorem(
    key="deq-ntk/lemma-1",
    source=cite(_PAPER, "Lemma 1"),
    number="Lemma 1",
    title="Absolute convergence",
    hypotheses=_SPHERE,
    printed="The sum (6) converges absolutely as L -> oo if sigma_W^2 < 1 (shown for x != y).",
    standing=Standing.SHARPENED,
    corrected=(
        "The sum (6) is dominated by the geometric series of sigma_W^2, for all x and y: |Theta^(L)| <= 1/(1 - "
        "sigma_W^2)."
    ),
    proof="|Sigma| <= 1 and 0 <= dSigma = sigma_W^2 E[s's'] <= sigma_W^2, as 0 <= E[s's'] <= 1; no c < 1 is needed.",
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.CERTIFICATE, partial(_contracts, sp.Rational(3, 5)), partial(_contracts, sp.Rational(1, 2))),
        Probe(Kind.IDENTITY, _partial_sums),
    ),
)


def _sine_jumps() -> Check:
    """Normalised sine, sigma_W^2 = 4/5, x'y = 1: next to the root 1 there is another at 0.8663, which attracts."""
    map_ = sp.Rational(4, 5) * sp.sinh(RHO) / sp.sinh(1) + sp.Rational(1, 5) - RHO
    low, high = sp.Rational(866, 1000), sp.Rational(867, 1000)
    return brackets("sine", "a second root lies in (0.866, 0.867)", map_, RHO, low, high, rising=False)


def _sine_slope(claim: sp.Rational) -> Check:
    """The slope at rho = 1 of the recursion of the normalised sine is sigma_W^2 coth(1)."""
    series = sp.sinh(RHO) / sp.sinh(1)
    slope = series.diff(RHO).subs(RHO, 1)
    return identity(
        "slope at 1", "E s'^2 / E s^2 = coth(1) for the sine", slope - (sp.coth(1) if claim == 1 else claim)
    )


def _dual_of_sine() -> Check:
    expression = elementary(dual(sp.sin(z)).expression.subs({kxx: 1, kyy: 1, kxy: RHO}))
    return identity(
        "sine", "E[sin u sin v] = sinh(rho)/e", sp.simplify((expression - sp.sinh(RHO) * sp.exp(-1)).rewrite(sp.exp))
    )


_NORMALISED = Theorem(
    key="deq-ntk/definition-3.1",
    source=cite(_PAPER, "Definition 3.1"),
    number="Definition 3.1",
    title="Other normalised activations",
    hypotheses=("E sigma(u)^2 = 1", "the variances add up to 1", "|x| = |y| = 1"),
    printed=(
        "An activation is normalised if E sigma(u)^2 = 1 (for the normalised ReLU, sigma_W^2 < 1 makes R a "
        "contraction)."
    ),
    standing=Standing.SHARPENED,
    corrected=(
        "For any normalised activation R is a contraction of [-1, 1] if and only if sigma_W^2 E sigma'(u)^2 "
        "< 1.  If it exceeds 1, "
        "the kernel is discontinuous at x = y: normalised sine with sigma_W^2 = 4/5 has Sigma* -> 0.8663 as "
        "y -> x, and 1 at x."
    ),
    proof=(
        "E[s(u) s(v)] = sum a_k^2 rho^k with Hermite coefficients a_k, so its derivative is largest in "
        "modulus at rho = 1, "
        "where it is E s'^2.  If sigma_W^2 times that exceeds 1, R(rho) < rho just below the fixed point 1 "
        "of x = y, while "
        "R(-1) >= -1, so there is a lower root, and the recursion for y near x ends there."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _dual_of_sine),
        Probe(Kind.IDENTITY, partial(_sine_slope, sp.Rational(1)), partial(_sine_slope, sp.Rational(5, 4))),
        Probe(Kind.CERTIFICATE, _sine_jumps),
    ),
    remarks="Largest sigma_W^2: tanh .849, erf .816, sine tanh(1) = .7616, GELU .933; 1 for ReLU.",
)


def _no_other_root() -> Check:
    """E[ss'](rho) - rho = (sqrt(1 - rho^2) - rho acos rho)/pi, whose derivative in the angle t is t sin t / pi > 0."""
    t = sp.Symbol("t", positive=True)
    gap = (sp.sin(t) - t * sp.cos(t)) / sp.pi
    return identity("gap", "d/dt (sin t - t cos t) = t sin t", sp.simplify(gap.diff(t) * sp.pi - t * sp.sin(t)))


_REMARK_2 = Theorem(
    key="deq-ntk/remark-2",
    source=cite(_PAPER, "Remark 2"),
    number="Remark 2",
    title="Without injection everything collapses",
    hypotheses=("sigma_W^2 = 1, sigma_U = sigma_b = 0", "sigma is the normalised ReLU"),
    printed="Without input injection Sigma^(h)(x, y) -> 1 even if x != y.",
    standing=Standing.RIGHT,
    proof=(
        "With rho = cos t, E[ss'] - rho = (sin t - t cos t)/pi > 0 for t in (0, pi]: the sequence increases, and "
        "1 is the only fixed point."
    ),
    basis=Basis.PROOF,
    probes=(Probe(Kind.IDENTITY, _no_other_root),),
)

THEOREMS = (_NORMALISED, _THEOREM_2, _INTERVAL, _EQUATION_12, _REMARK_2, _LEMMA_1)
