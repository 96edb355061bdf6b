"""The deep equilibrium kernel of relu (slope step, activation relu): fixed points without contraction, and the nugget.

Notation: q_i^2 = k(x_i, x_i); a = c12/(q1 q2), a_ii = c_ii/q_i^2; m_i = mu_i/(sqrt(2 pi) q_i), m their mean;
beta = lam^2 + m; t = pi - angle, so that the correlation is -cos t, and the off-diagonal equation is F(t) = 0 with

    F(t) = m - (beta - t/2pi) cos t - (a t + sin t)/2pi.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np
import sympy as sp

from dekderive.atoms import relu
from dekderive.citations import cite
from dekderive.duals.proof import decide_zero
from dekderive.families import gaussian
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import angle, cxx, cxy, kxx, kyy, mean_x, mean_y, regularisation, z
from dekderive.theorems.evidence import agrees, brackets, identity, positive
from dekderive.theorems.theorem import Basis, Kind, Probe, Standing, Theorem
from dekderive.update_maps import deker
from dekderive.update_maps.update_map import UpdateMap
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "tsuchida2023deker"
_T = sp.Symbol("t", positive=True)
_LAM, _Q = sp.Symbol("lam", positive=True), sp.Symbol("q", positive=True)
_A, _M = sp.symbols("a m", real=True)
_PI2 = 2 * sp.pi
_EQUATION = _M - (_LAM**2 + _M - _T / _PI2) * sp.cos(_T) - (_A * _T + sp.sin(_T)) / _PI2


def _relu_map() -> UpdateMap:
    return deker(Reparameterisation(gaussian(), relu(z)))


# ---- theorem C -------------------------------------------------------------------------------------------------------


def _diagonal_equation(constant: sp.Rational) -> Check:
    """The derived diagonal step, times lam^2, against (c + q^2)/2 - sqrt(2/pi) mu q."""
    stated = cxx / 2 - sp.sqrt(2 / sp.pi) * mean_x * sp.sqrt(kxx) + constant * kxx
    verdict, detail = decide_zero(sp.expand(_relu_map().diagonal_step * regularisation**2 - stated))
    return Check("diagonal", "lam^2 q^2 = c/2 - sqrt(2/pi) mu q + q^2/2", verdict, detail)


def _closed_root() -> Check:
    c, mu = sp.Symbol("c", positive=True), sp.Symbol("mu", real=True)
    s, e = sp.sqrt(2 / sp.pi) * mu, 2 * _LAM**2 - 1
    discriminant = sp.Symbol("D", positive=True)  # D^2 = s^2 + c e
    q = c / (s + discriminant)
    numerator = sp.numer(sp.together(e * q**2 + 2 * s * q - c))
    reduced = sp.expand(sp.expand(numerator).subs(discriminant**2, s**2 + c * e))
    return identity("root", "q = c/(s + sqrt(s^2 + c (2 lam^2 - 1))) solves the quadratic", reduced)


def _norm() -> Check:
    """|relu(Z)|^2 = 1/2: the integral of x^2 phi(x) over x > 0."""
    x = sp.Symbol("x", positive=True)
    value = sp.integrate(x**2 * sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi), (x, 0, sp.oo))
    return identity("norm", "E relu(Z)^2 = 1/2", value - sp.Rational(1, 2))


def _slope_of_the_diagonal() -> Check:
    """At q = h(q), h' = (1/2 - m)/lam^2.  For m = 1/2 + lam^2 + w, w >= 0, 2 pi m^2 exceeds 2 lam^2 - 1 + 4m.

    The excess is 2 pi m^2 - 6 m + 2 + 2 w, a quadratic in m without real roots (36 < 16 pi), plus 2 w.
    """
    mu = sp.Symbol("mu", real=True)
    square = (sp.Symbol("c", positive=True) / 2 - sp.sqrt(2 / sp.pi) * mu * _Q + _Q**2 / 2) / _LAM**2
    slope = square.diff(_Q) / (2 * _Q)  # h' = (h^2)'/(2 h), h = q
    stated = (sp.Rational(1, 2) - mu / (sp.sqrt(2 * sp.pi) * _Q)) / _LAM**2
    w = sp.Symbol("w", nonnegative=True)
    m = sp.Rational(1, 2) + _LAM**2 + w
    excess = 2 * sp.pi * m**2 - (2 * _LAM**2 - 1 + 4 * m) - (2 * sp.pi * m**2 - 6 * m + 2 + 2 * w)
    return identity("slope", "h' = (1/2 - m)/lam^2 at a fixed point", [sp.expand(slope - stated), sp.expand(excess)])


def _critical() -> Check:
    """(2/pi) mu^2 >= c (1 - 2 lam^2): least lam^2 for mu^2 = c, and for mu^2 = c/pi (relu features)."""
    x = sp.Symbol("x", real=True)
    levels = []
    for ratio in (1, 1 / sp.pi):
        solution = sp.solve(2 / sp.pi * ratio - (1 - 2 * x), x)[0]
        levels.append(solution)
    return identity(
        "critical", "the least lam^2", [levels[0] - (1 - 2 / sp.pi) / 2, levels[1] - (1 - 2 / sp.pi**2) / 2]
    )


def _positive_roots(low: float, high: float) -> Check:
    """Positive roots of (2 lam^2 - 1) q^2 + 2 s q - c for random c > 0, mu and lam^2 between two limits."""
    rng = np.random.default_rng(61)
    worst = 0.0
    for _ in range(300):
        lam2, c = rng.uniform(low, high), 10 ** rng.uniform(-2, 2)
        s = np.sqrt(2 / np.pi) * rng.uniform(-1, 1) * np.sqrt(c)
        roots = np.roots([2 * lam2 - 1, 2 * s, -c])
        positive = [r for r in roots if abs(r.imag) < 1e-9 and r.real > 0]
        worst = max(worst, abs(len(positive) - 1))
    return agrees("roots", "exactly one positive root for lam^2 > 1/2", worst, 0.0, 300)


_RELU = ("slope step, activation relu (Gaussian family, R = relu)", "c > 0, mu^2 <= c", "gamma = 0, a = 1")

_THEOREM_C = Theorem(
    key="deker/theorem-c",
    source=cite(_PAPER, "not in the paper"),
    number="Theorem C",
    title="Diagonals of the relu kernel",
    hypotheses=_RELU,
    printed="",
    standing=Standing.NEW,
    corrected=(
        "The diagonal map is a contraction with modulus 1/(lam sqrt 2) although the slope jumps.  For lam^2 "
        "> 1/2 there is "
        "exactly one positive fixed point, q = c/(s + sqrt(s^2 + c(2 lam^2 - 1))), s = sqrt(2/pi) mu.  For "
        "lam^2 = 1/2 it exists"
        " if and only if mu > 0; for lam^2 < 1/2 if and only if mu > 0 and (2/pi) mu^2 >= c (1 - 2 lam^2), "
        "and then the smaller "
        "root attracts (unless it is double): impossible for lam^2 < (1 - 2/pi)/2 = .1817."
    ),
    proof=(
        "h(q) = |T rho(Z) - q sigma(Z)|/lam is the norm of an affine function of q, so |h(q) - h(q')| <= "
        "|sigma(Z)| |q - q'|/lam"
        " = |q - q'|/(lam sqrt 2).  Squared, q = h(q) is (2 lam^2 - 1) q^2 + 2 s q - c = 0; the sign of the "
        "product of its roots "
        "decides for lam^2 > 1/2, the discriminant s^2 + c(2 lam^2 - 1) and the sign of s otherwise.  There h' = "
        "(1/2 - m)/lam^2 with m = mu/(sqrt(2 pi) q), which is above -1 because 2 pi m^2 <= 2 lam^2 - 1 + 4m "
        "(from mu^2 <= c), and "
        "below 1 at the smaller root, because that lies left of the vertex, where m > 1/2 - lam^2."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(
            Kind.IDENTITY,
            partial(_diagonal_equation, sp.Rational(1, 2)),
            partial(_diagonal_equation, sp.Rational(1, 3)),
        ),
        Probe(Kind.IDENTITY, _closed_root),
        Probe(Kind.IDENTITY, _norm),
        Probe(Kind.IDENTITY, _slope_of_the_diagonal),
        Probe(Kind.CERTIFICATE, partial(positive, "no real roots", "16 pi > 36", 16 * sp.pi - 36)),
        Probe(Kind.IDENTITY, _critical),
        Probe(Kind.PROPERTY, partial(_positive_roots, 0.51, 4.0), partial(_positive_roots, 0.2, 0.49)),
    ),
)


# ---- theorem D -------------------------------------------------------------------------------------------------------


def _angle_equation() -> Check:
    update = _relu_map()
    shift = (mean_x / sp.sqrt(kxx) + mean_y / sp.sqrt(kyy)) / (2 * sp.sqrt(2 * sp.pi))
    values = {_T: sp.pi - angle, _LAM: regularisation, _M: shift, _A: cxy / (sp.sqrt(kxx) * sp.sqrt(kyy))}
    difference = _EQUATION.xreplace(values) + regularisation**2 * update.residual
    verdict, detail = decide_zero(sp.expand(difference))
    return Check("angle equation", "F(t) is the derived residual, times -lam^2", verdict, detail)


def _derivatives() -> Check:
    beta = _LAM**2 + _M
    first = (beta - _T / _PI2) * sp.sin(_T) - _A / _PI2
    second = (beta - _T / _PI2) * sp.cos(_T) - sp.sin(_T) / _PI2
    return identity(
        "derivatives",
        "F' = (beta - t/2pi) sin t - a/2pi",
        [sp.expand(_EQUATION.diff(_T) - first), sp.expand(_EQUATION.diff(_T, 2) - second)],
    )


def _ends() -> Check:
    start = _EQUATION.subs(_T, 0) + _LAM**2
    end = _EQUATION.subs(_T, sp.pi) - (_LAM**2 + 2 * _M - _A / 2 - sp.Rational(1, 2))
    return identity("ends", "F(0) = -lam^2, F(pi) = lam^2 + 2m - a/2 - 1/2", [sp.expand(start), sp.expand(end)])


def _arithmetic_mean() -> Check:
    """a_ii = 2 lam^2 - 1 + 4 m_i from the diagonal equation, and a <= (a11 + a22)/2: F(pi) >= 0."""
    c, mu = sp.Symbol("c", positive=True), sp.Symbol("mu", real=True)
    diagonal = (2 * _LAM**2 - 1) * _Q**2 + 2 * sp.sqrt(2 / sp.pi) * mu * _Q - c
    ratio = sp.solve(diagonal, c)[0] / _Q**2 - (2 * _LAM**2 - 1 + 4 * mu / (sp.sqrt(2 * sp.pi) * _Q))
    m1, m2 = sp.symbols("m1 m2", real=True)
    mean = sum(2 * _LAM**2 - 1 + 4 * m for m in (m1, m2)) / 2
    at_pi = (_EQUATION.subs(_T, sp.pi)).subs({_A: mean, _M: (m1 + m2) / 2})
    return identity(
        "means",
        "a_ii = 2 lam^2 - 1 + 4 m_i, and F(pi) = 0 at a = (a11 + a22)/2",
        [sp.simplify(ratio), sp.expand(at_pi)],
    )


def _concave_factors() -> Check:
    """The logarithm of (beta - t/2pi) sin t has a negative second derivative on (0, pi)."""
    beta = sp.Symbol("beta", positive=True)
    log = sp.log(beta - _T / _PI2) + sp.log(sp.sin(_T))
    stated = -1 / (_PI2 * beta - _T) ** 2 - 1 / sp.sin(_T) ** 2
    return identity(
        "unimodal",
        "(log((beta - t/2pi) sin t))'' = -1/(2pi beta - t)^2 - 1/sin^2 t < 0",
        sp.simplify(log.diff(_T, 2) - stated),
    )


def _sign_changes(excess: float) -> Check:
    """Zeros of F in (0, pi) for random lam, means and angles; a beyond the bound of the means is the wrong form."""
    rng = np.random.default_rng(62)
    grid = np.linspace(1e-9, np.pi - 1e-9, 4001)
    worst = 0
    for _ in range(400):
        lam2 = 0.5 + 10 ** rng.uniform(-3, 1) if rng.random() < 0.8 else rng.uniform(0.3, 0.5)
        lowest = max((1 - 2 * lam2) / 4, 0.5 - lam2)  # a_ii > 0; the smaller root
        m1, m2 = (lowest + 1e-3) + 10 ** rng.uniform(-3, 0.5, 2)
        limit = np.sqrt((2 * lam2 - 1 + 4 * m1) * (2 * lam2 - 1 + 4 * m2))
        a, m = limit * (rng.uniform(-1, 0.999) + excess), (m1 + m2) / 2
        values = m - (lam2 + m - grid / (2 * np.pi)) * np.cos(grid) - (a * grid + np.sin(grid)) / (2 * np.pi)
        worst = max(worst, abs(int(np.sum(np.diff(np.sign(values)) != 0)) - 1))
    return agrees("zeros", "F has exactly one zero in (0, pi)", worst, 0.0, 400)


_THEOREM_D = Theorem(
    key="deker/theorem-d",
    source=cite(_PAPER, "not in the paper"),
    number="Theorem D",
    title="Off-diagonal entries of the relu kernel",
    hypotheses=(*_RELU, "the diagonals of Theorem C exist"),
    printed="",
    standing=Standing.NEW,
    corrected=(
        "F has exactly one zero t* in (0, pi), and F'(t*) > 0.  If c12^2 = c11 c22, c12 > 0 and m1 = m2 (for "
        "instance x = x'), "
        "then t = pi, correlation 1, is a second zero, where the iteration has an infinite slope; no metric "
        "makes the map a "
        "contraction."
    ),
    proof=(
        "beta >= 1/2: clear for lam^2 >= 1/2 and m >= 0; if m < 0, then 2 lam^2 - 1 + 4m = (a11 + a22)/2 > 0 "
        "gives lam^2 > 1/2"
        " and beta > lam^2/2 + 1/4 > 1/2; for lam^2 < 1/2 the smaller root has m_i >= 1/2 - lam^2.  F(0) = "
        "-lam^2 < 0.  F(pi) = lam^2 + 2m - a/2 - 1/2 >= 0, because "
        "a <= sqrt(a11 a22) <= (a11 + a22)/2 = 2 lam^2 - 1 + 4m.  (beta - t/2pi) sin t is log-concave, hence "
        "strictly unimodal "
        "on (0, pi), and 0 at both ends, so for a > 0 F' has the signs -, +, -; for a <= 0 it is positive.  "
        "F is negative on the first "
        "piece, increases on the second, and is at least F(pi) >= 0 on the third, with a positive value "
        "where it begins: "
        "exactly one zero, on the second piece.  QED"
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _angle_equation),
        Probe(Kind.IDENTITY, _derivatives),
        Probe(Kind.IDENTITY, _ends),
        Probe(Kind.IDENTITY, _arithmetic_mean),
        Probe(Kind.IDENTITY, _concave_factors),
        Probe(Kind.PROPERTY, partial(_sign_changes, 0.0), partial(_sign_changes, 1.5)),
    ),
    remarks="Newton's method in t from the maximum of F' (tan t = 2 pi beta - t) converges monotonically.",
)


# ---- the nugget ------------------------------------------------------------------------------------------------------


def _coincident(regularisation_squared: sp.Expr, shift: sp.Expr, low: str, high: str, label: str) -> Check:
    """Enclose the correlation of coincident inputs: F at t = pi - acos r with a = 2 lam^2 - 1 + 4m changes sign."""
    r = sp.Symbol("r", real=True)
    values = {_LAM: sp.sqrt(regularisation_squared), _M: shift, _A: 2 * regularisation_squared - 1 + 4 * shift}
    equation = _EQUATION.xreplace(values).xreplace({_T: sp.pi - sp.acos(r)})
    return brackets(
        label,
        f"the correlation of coincident inputs lies in ({low}, {high})",
        equation,
        r,
        Fraction(low),
        Fraction(high),
    )


def _features_shift() -> sp.Expr:
    """M for relu features: mu^2 = c/pi makes it constant, m = (1 + sqrt(1 + pi^2 (lam^2 - 1/2)))/pi^2; here lam = 1."""
    return (1 + sp.sqrt(1 + sp.pi**2 / 2)) / sp.pi**2


def _constant_shift() -> Check:
    """Q from Theorem C with mu^2 = c/pi, put into m = mu/(sqrt(2 pi) q); lam^2 = 1/2 + u."""
    u, c = sp.Symbol("u", positive=True), sp.Symbol("c", positive=True)
    mu = sp.sqrt(c / sp.pi)
    s = sp.sqrt(2 / sp.pi) * mu
    m = mu / sp.sqrt(2 * sp.pi) * (s + sp.sqrt(s**2 + 2 * c * u)) / c
    return identity("features", "m does not depend on x", sp.simplify(m - (1 + sp.sqrt(1 + sp.pi**2 * u)) / sp.pi**2))


def _solved(lam2: float, a: np.ndarray, m: float) -> np.ndarray:
    """Correlations by bisection in t; the root is where F becomes positive for the first time."""
    low, high = np.zeros_like(a), np.full_like(a, np.pi)
    start = np.zeros_like(a)
    for t in np.linspace(0, np.pi, 400)[1:-1]:  # F < 0 to the left of the root and > 0 on some interval to its right
        value = m - (lam2 + m - t / (2 * np.pi)) * np.cos(t) - (a * t + np.sin(t)) / (2 * np.pi)
        start = np.where((start == 0) & (value > 0), t, start)
    high = np.where(start > 0, start, high)
    for _ in range(60):
        t = (low + high) / 2
        below = m - (lam2 + m - t / (2 * np.pi)) * np.cos(t) - (a * t + np.sin(t)) / (2 * np.pi) < 0
        low, high = np.where(below, t, low), np.where(below, high, t)
    return -np.cos((low + high) / 2)


def _definite(jump: float) -> Check:
    """Smallest eigenvalues of K_cont on copies, antipodes and doubles; the wrong form has less on its diagonal."""
    rng = np.random.default_rng(63)
    worst = 0.0
    for lam2 in (0.6, 1.0, 4.0):
        x = rng.standard_normal((10, 2))
        x = np.vstack([x, x[:1], -x[1:2], 2 * x[2:3]])
        second = x @ x.T
        norm = np.sqrt(np.diag(second))
        cosine = np.clip(second / np.outer(norm, norm), -1, 1)
        correlation = _solved(lam2, (2 * lam2 - 1) * cosine, 0.0)
        nugget = 1 - _solved(lam2, np.array([2 * lam2 - 1]), 0.0)[0]
        values = np.linalg.eigvalsh(correlation + jump * nugget * np.eye(len(x)))
        worst = max(worst, -float(values[0] / values[-1]))
    return agrees(
        "definiteness", "K_cont is positive semi-definite on copies, antipodes and doubles", worst, 1e-10, 3, "sets"
    )


def _iterated(limit: str) -> Check:
    """Iterate the correlation from 0.999999 at coincident inputs, lam = 1, mu = 0: it leaves 1 and ends at r*."""
    r = 0.999999
    for _ in range(400):
        t = np.pi - np.arccos(r)
        r = t / (2 * np.pi) + (np.sqrt(1 - r * r) + t * r) / (2 * np.pi)
    target = 1.0 if limit == "one" else float(_solved(1.0, np.array([1.0]), 0.0)[0])
    return agrees("two copies", "features with different starts do not become equal", abs(r - target), 1e-9, 1, "orbit")


_NUGGET = Theorem(
    key="deker/nugget",
    source=cite(_PAPER, "not in the paper"),
    number="Nugget",
    title="The relu kernel is discontinuous at equal inputs",
    hypotheses=(*_RELU, "the starts K_0 of two copies have correlation below 1"),
    printed="",
    standing=Standing.NEW,
    corrected=(
        "K*(x, x') = K_cont(x, x') + 1[x = x'] q(x)^2 (1 - r*), with K_cont positive semi-definite and "
        "continuous, and r* the "
        "root of Theorem D with a = 2 lam^2 - 1 + 4m.  For lam = 1: r* = .834699 (mu = 0), .649573 (relu features)."
    ),
    proof=(
        "Give every input N copies with different starts, so that K_0 has correlations below 1 between "
        "copies.  Every K_t is "
        "positive semi-definite, and K_t converges entry by entry (Theorem D; the root t = pi repels) to "
        "K_cont (x) 11' + "
        "nugget (x) I.  Average over the copies: K_cont + nugget/N is positive semi-definite; N -> oo.  "
        "K_cont is continuous by "
        "the implicit function theorem, as F'(t*) > 0.  QED"
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(
            Kind.CERTIFICATE,
            partial(_coincident, sp.Integer(1), sp.Integer(0), "0.834698", "0.834700", "lam = 1, mu = 0"),
            partial(_coincident, sp.Integer(1), sp.Integer(0), "0.99", "0.999", "lam = 1, continuous"),
        ),
        Probe(
            Kind.CERTIFICATE,
            partial(_coincident, sp.Integer(4), sp.Integer(0), "0.79807", "0.79809", "lam = 2, mu = 0"),
        ),
        Probe(
            Kind.CERTIFICATE,
            lambda: _coincident(sp.Integer(1), _features_shift(), "0.649572", "0.649574", "lam = 1, features"),
        ),
        Probe(Kind.IDENTITY, _constant_shift),
        Probe(Kind.PROPERTY, partial(_definite, 0.0), partial(_definite, -1.0)),
        Probe(Kind.PROPERTY, partial(_iterated, "root"), partial(_iterated, "one")),
    ),
    remarks="For x' = s x, s != 1, the answer depends on the start K_0: a homogeneous one stays at correlation 1.",
)

THEOREMS = (_THEOREM_C, _THEOREM_D, _NUGGET)
