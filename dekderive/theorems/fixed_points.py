"""Fixed points in general: what the declarative-nets paper says of contractions (sections 2 and 3.3, appendix B)."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np
import sympy as sp

from dekderive.certificates import enclose
from dekderive.citations import cite
from dekderive.symbols import z
from dekderive.theorems.evidence import agrees, bounded, exact, identity, positive
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "tsuchida2022declarative"


# ---- Banach's theorem ------------------------------------------------------------------------------------------------


def _geometric_tail() -> Check:
    q, k = sp.Symbol("q", positive=True), sp.Symbol("k", integer=True, nonnegative=True)
    tail = q**k / (1 - q)
    return identity("geometric tail", "q^k/(1-q) - q^(k+1)/(1-q) = q^k", tail - tail.subs(k, k + 1) - q**k)


def _a_priori_bound(claimed: float) -> Check:
    """Iterate z <- tanh(0.9 z + 2), whose modulus is 0.9 (figure 2a), and compare the errors with the bound."""
    worst, starts = 0.0, np.linspace(-1, 1, 21)
    limit = 0.0
    for _ in range(2000):
        limit = float(np.tanh(0.9 * limit + 2))
    for start in starts:
        z0, z1 = float(start), float(np.tanh(0.9 * start + 2))
        now, first = z0, abs(z1 - z0)
        for k in range(12):
            worst = max(worst, abs(now - limit) - claimed**k / (1 - claimed) * first)
            now = float(np.tanh(0.9 * now + 2))
    statement = f"|z_k - z*| <= q^k/(1-q) |z_1 - z_0| with q = {claimed}"
    return agrees("a-priori bound", statement, worst, 1e-12, 21 * 12)


_BANACH = Theorem(
    key="kglm/theorem-1",
    source=cite(_PAPER, "Theorem 1"),
    number="Theorem 1",
    title="Banach's fixed point theorem",
    hypotheses=("(Z, d) is a non-empty complete metric space", "d(H(z), H(z')) <= q d(z, z') with q < 1"),
    printed="A contraction of a complete metric space into itself has exactly one fixed point.",
    standing=Standing.SHARPENED,
    corrected=(
        "A contraction of a non-empty complete metric space into itself has exactly one fixed point, and "
        "d(z_k, z*) <= q^k/(1-q) d(z_1, z_0) for the iteration z_k = H(z_(k-1)) from any start."
    ),
    proof=(
        "d(z_(j+1), z_j) <= q^j d(z_1, z_0), so d(z_m, z_k) <= sum of q^j over j = k ... m-1 times d(z_1, "
        "z_0), which is "
        "less than q^k/(1-q) d(z_1, z_0): a Cauchy sequence.  Its limit is a fixed point because H is continuous, and "
        "m -> oo gives the bound.  Two fixed points have d <= q d, so d = 0."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _geometric_tail),
        Probe(Kind.PROPERTY, partial(_a_priori_bound, 0.9), partial(_a_priori_bound, 0.01)),
    ),
    remarks="The empty space is complete and its empty map is a contraction without fixed point.",
)


# ---- figure 2 and the edge cases -------------------------------------------------------------------------------------


def _slope_of_tanh() -> Check:
    return identity("square form", "tanh' = 1 - tanh^2 <= 1", sp.tanh(z).diff(z) - (1 - sp.tanh(z) ** 2))


def _no_modulus(bound: sp.Expr) -> Check:
    """Whatever bound < 1 is claimed for tanh' on (0, 1), the point z = sqrt(1 - bound) / 2 violates it."""
    point = sp.Rational(1, 2) * sp.sqrt(1 - bound)
    statement = f"tanh'(z) > {bound} at z = sqrt(1 - {bound})/2 in (0, 1)"
    return positive("no modulus", statement, 1 - sp.tanh(point) ** 2 - bound)


def _supremum_is_one() -> Check:
    """tanh(z) <= z for z >= 0, so tanh'(z) >= 1 - z^2, which exceeds every bound < 1 somewhere in (0, 1)."""
    b = sp.Symbol("b", positive=True)
    point = sp.sqrt(1 - b) / 2
    return identity(
        "any bound", "1 - z^2 - b = 3 (1 - b)/4 > 0 at z = sqrt(1 - b)/2", 1 - point**2 - b - (1 - b) * 3 / 4
    )


def _contraction_a() -> Check:
    return bounded(
        "figure 2a", "(tanh(0.9 z + 2))' <= 0.9", sp.Rational(9, 10) - _slope(sp.Rational(9, 10), 2), z, -1, 1
    )


def _slope(a: sp.Expr, b: sp.Expr | int) -> sp.Expr:
    return a * (1 - sp.tanh(a * z + b) ** 2)


def _counts() -> Check:
    """Figure 2d and 2e: three sign changes with monotone pieces, and no root because relu(z + 1/5) >= z + 1/5 > z."""
    gap = sp.tanh(3 * z) - z
    signs = [enclose(gap, {z: sp.Rational(x, 10)}) for x in (-11, -5, 5, 11)]
    pattern = signs[0].is_positive and signs[1].is_negative and signs[2].is_positive and signs[3].is_negative
    odd = sp.simplify(gap.subs(z, -z) + gap) == 0
    return exact(
        "figure 2d", "tanh(3z) = z has roots in (-1.1, -.5), (.5, 1.1) and at 0", pattern and odd, "signs of balls"
    )


def _tanh_does_not_contract() -> Refutation:
    a, b = sp.Rational(1, 1000), sp.Rational(2, 1000)
    quotient = float(enclose((sp.tanh(b) - sp.tanh(a)) / (b - a), {}))
    point = 1.0
    for _ in range(10_000):
        point = float(np.tanh(point))
    guide = float(np.sqrt(3 / 20_000))
    return Refutation(
        quotient > 0.99999,
        f"the difference quotient of tanh over (0.001, 0.002) is {quotient:.7f}, and 10 000 steps of z <- "
        "tanh(z) from 1 "
        f"end at {point:.6g}, close to sqrt(3/20000) = {guide:.6g}: slower than any geometric rate",
        {"quotient": quotient, "z_10000": point, "sqrt(3/(2k))": guide},
        "ball arithmetic for the quotient",
    )


_FIGURE_2 = Theorem(
    key="kglm/figure-2",
    source=cite(_PAPER, "Figure 2 and section 3.3"),
    number="Figure 2",
    title="tanh is no contraction next to the origin",
    hypotheses=(),
    printed=(
        "tanh satisfies the hypotheses of Proposition 2 on (-1, 0) and on (0, 1), because only the open set "
        "counts there; "
        "so the edge case A' = tanh, whose slope is 1 at the origin, is handled."
    ),
    standing=Standing.WRONG,
    corrected=(
        "tanh is no contraction on (0, 1): the supremum of tanh' over the open interval is 1.  (tanh(z) = z "
        "has the one "
        "root 0 because tanh(z) < z for z > 0; the iteration z <- tanh z converges to it, like sqrt(3/(2k)).)"
    ),
    proof=(
        "Given a bound b < 1, z = sqrt(1 - b)/2 lies in (0, 1) and tanh(z) <= z, so tanh'(z) = 1 - tanh(z)^2 "
        ">= 1 - z^2 = "
        "b + 3 (1 - b)/4 > b.  An open set does not help where the derivative is continuous up to its boundary."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _slope_of_tanh),
        Probe(Kind.IDENTITY, _supremum_is_one),
        Probe(Kind.CERTIFICATE, partial(_no_modulus, sp.Rational(999, 1000)), partial(_no_modulus, sp.Integer(1))),
        Probe(Kind.CERTIFICATE, _contraction_a),
        Probe(Kind.CERTIFICATE, _counts),
    ),
    counterexample=Counterexample("tanh on (0, 1), between 0.001 and 0.002", _tanh_does_not_contract),
    remarks=(
        "The other panels of the figure are right.  The Leaky ReLU 'with gradients in {0, 1}' of section 3.3 is ReLU."
    ),
)


# ---- the derivative test ---------------------------------------------------------------------------------------------


def _cube_is_not_strictly_convex() -> Check:
    """The midpoint of two corners of a cube lies on its boundary: coordinates that both corners share stay extreme."""
    corners = ((Fraction(0), Fraction(0)), (Fraction(1), Fraction(0)))
    middle = tuple((a + b) / 2 for a, b in zip(*corners, strict=True))
    on_boundary = any(x in (0, 1) for x in middle)
    return exact("cube", "(1/2, 0) lies between two corners of (0, 1)^2 and on its boundary", on_boundary)


def _closure_inherits(bound: float) -> Check:
    """Smooth self-maps of the closed square whose Jacobian is bounded inside, compared at boundary points."""
    rng = np.random.default_rng(2)
    worst = -np.inf
    for _ in range(200):
        w = rng.standard_normal((2, 2))
        w *= 4 * bound / np.linalg.norm(w, 2)  # expit' <= 1/4, so the Jacobian has norm at most `bound`
        shift = rng.standard_normal(2)
        a, b = rng.integers(0, 2, 2).astype(float), rng.random(2)
        images = [1 / (1 + np.exp(-(w @ x + shift))) for x in (a, b)]
        worst = max(worst, float(np.linalg.norm(images[0] - images[1]) - 0.9 * np.linalg.norm(a - b)))
    return agrees("closed square", "|H(a) - H(b)| <= 0.9 |a - b|, a a corner, if |DH| <= 0.9 inside", worst, 1e-12, 200)


_DERIVATIVE_TEST = Theorem(
    key="kglm/proposition-2",
    source=cite(_PAPER, "Proposition 2"),
    number="Proposition 2",
    title="A bounded derivative makes a contraction",
    hypotheses=("Z is open and convex", "H is continuous on its closure, differentiable on Z, |DH| <= q < 1 on Z"),
    printed=(
        "If Z is open and strictly convex, H maps its closure into itself, is continuous there and differentiable on Z "
        "with |DH| <= q < 1, then H is a contraction of the closure."
    ),
    standing=Standing.SHARPENED,
    corrected=(
        "It suffices that Z is open and convex.  Strict convexity excludes what the paper needs: the cubes "
        "(0, 1)^n and "
        "(-1, 1)^n of the logistic function and tanh, which are not strictly convex for n >= 2."
    ),
    proof=(
        "For a, b in Z the segment lies in Z and the mean value theorem (Theorem 8) gives |H(a) - H(b)| <= q |a - b|.  "
        "Points of the closure are limits of points of Z; both sides are continuous, so the inequality extends."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.CERTIFICATE, _cube_is_not_strictly_convex),
        Probe(Kind.PROPERTY, partial(_closure_inherits, 0.9), partial(_closure_inherits, 3.9)),
    ),
    remarks=(
        "In the proof, DH is to be taken at c(t), not at S(t), and the last inequality is strict for z1 != z2 only."
    ),
)


def _circle_once_round() -> Check:
    """S(t) = (cos t, sin t) returns to its start: the mean value theorem holds as an inequality only."""
    t = sp.Symbol("t", real=True)
    curve = sp.Matrix([sp.cos(t), sp.sin(t)])
    speed = curve.diff(t).dot(curve.diff(t))
    difference = (curve.subs(t, 2 * sp.pi) - curve.subs(t, 0)).norm()
    return identity("circle", "|S'| = 1 while |S(2 pi) - S(0)| = 0 <= 2 pi", [speed - 1, difference])


def _mean_value(strict: bool) -> Check:
    """Random cubic curves in the plane: the chord against the largest speed, or (wrongly) half the mean speed."""
    rng = np.random.default_rng(8)
    grid = np.linspace(0, 1, 2001)
    worst = -np.inf
    for _ in range(200):
        c = rng.standard_normal((2, 4))
        chord = np.linalg.norm(c[:, 1:].sum(axis=1))
        velocity = c[:, 1:2] + 2 * c[:, 2:3] * grid + 3 * c[:, 3:] * grid**2
        speed = np.linalg.norm(velocity, axis=0)
        worst = max(worst, float(chord - (speed.mean() / 2 if strict else speed.max())))
    return agrees("random curves", "|S(1) - S(0)| <= |S'(t)| for some t", worst, 1e-9, 200)


_MEAN_VALUE = Theorem(
    key="kglm/theorem-8",
    source=cite(_PAPER, "Theorem 8"),
    number="Theorem 8",
    title="Mean value inequality",
    hypotheses=("S: [a, b] -> R^n is continuous, and differentiable inside",),
    printed="|S(b) - S(a)| <= |S'(t)| (b - a) for some t in (a, b), in any norm.",
    standing=Standing.RIGHT,
    proof=(
        "Take a functional l of dual norm 1 with l(S(b) - S(a)) = |S(b) - S(a)| (it exists in finite "
        "dimension) and apply "
        "the scalar theorem to l(S(t)): |S(b) - S(a)| = l(S'(t)) (b - a) <= |S'(t)| (b - a)."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _circle_once_round),
        Probe(Kind.PROPERTY, partial(_mean_value, False), partial(_mean_value, True)),
    ),
    remarks="With equality instead of <= it is false for n >= 2: a closed curve has no chord.",
)

THEOREMS = (_BANACH, _FIGURE_2, _DERIVATIVE_TEST, _MEAN_VALUE)
