"""Exact identities of implicit kernels, and what they mean for the design of explicit networks."""

from __future__ import annotations

from functools import partial

import numpy as np
import sympy as sp

from dekderive.citations import cite
from dekderive.theorems.evidence import agrees, identity
from dekderive.theorems.implicit_ck_model import coefficients
from dekderive.theorems.implicit_ck_symbols import A1, A4, FIRST, FP, G1, G2, SA, SB, SECOND, SETTING, TAU0, THIRD, D
from dekderive.theorems.theorem import Basis, Kind, Probe, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "ling2024deq"


# ---- exact identities ------------------------------------------------------------------------------------------------


def _sphere(form: str) -> Check:
    """G(rho) = kappa(lam), lam = sa G + sb tau0^2 rho; k1 = kappa'(lam) is the dual of phi'."""
    k1, g, rho = sp.symbols("k1 G rho", positive=True)
    slope = k1 * SB * TAU0**2 / (1 - SA * k1)
    tangent = g / (1 - SA * k1)
    full = (g + SB * TAU0**2 * rho * k1) / (1 - SA * k1)
    factor = SA / (SB * TAU0**2) if form == "true" else SA
    return identity(
        "sphere",
        "K = G + sa/(sb tau0^2) G G', Kf = K + rho G'",
        [sp.simplify(tangent - g - factor * g * slope), sp.simplify(full - tangent - rho * slope)],
    )


def _implicit_slope() -> Check:
    """G' = k1 (sa G' + sb tau0^2), solved for G'."""
    k1, slope = sp.symbols("k1 dG", positive=True)
    solution = sp.solve(slope - k1 * (SA * slope + SB * TAU0**2), slope)[0]
    return identity(
        "implicit derivative",
        "dG/drho = k1 sb tau0^2/(1 - sa k1)",
        sp.simplify(solution - k1 * SB * TAU0**2 / (1 - SA * k1)),
    )


_SPHERE = Theorem(
    key="implicit-ck/sphere-identity",
    source=cite(_PAPER, "not in the paper"),
    number="Sphere identity",
    title="Tangent kernels on a sphere",
    hypotheses=("|x_i|^2 = tau0^2 for all inputs, rho their cosine", "sa E phi'^2 < 1"),
    printed="",
    standing=Standing.NEW,
    corrected=(
        "K = G + sa/(sb tau0^2) G dG/drho, and with input weights trained too Kf = K + rho dG/drho: exact at "
        "infinite width."
    ),
    proof=(
        "Differentiate G = kappa(sa G + sb tau0^2 rho) in rho, where kappa' is the dual of phi' (Price), and "
        "eliminate it from K = G/(1 - sa kappa')."
    ),
    basis=Basis.CHECKS,
    probes=(
        Probe(Kind.IDENTITY, _implicit_slope),
        Probe(Kind.IDENTITY, partial(_sphere, "true"), partial(_sphere, "wrong")),
    ),
)


def _slope_of_the_variance() -> Check:
    """V = s^2, q = t^2: dV/dq = (s/t) ds/dt; both factors are at most the Lipschitz constant."""
    t = sp.Symbol("t", positive=True)
    s = sp.Function("s")(t)
    return identity(
        "chain rule",
        "dV/dq = (s/t) s'(t) with V = s^2, q = t^2",
        sp.simplify((s**2).diff(t) / (2 * t) - s / t * s.diff(t)),
    )


def _relu_equilibrium() -> Check:
    """relu: gamma^2 = tau^2 (1/2 - 1/(2 pi)), from its first two moments; D >= sb tau0^2/tau^2."""
    x = sp.Symbol("x", positive=True)
    density = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    first, second = (sp.integrate(x**k * density, (x, 0, sp.oo)) for k in (1, 2))
    return identity(
        "relu", "Var relu(xi) = 1/2 - 1/(2 pi)", sp.simplify(second - first**2 - sp.Rational(1, 2) + 1 / (2 * sp.pi))
    )


_EQUILIBRIUM = Theorem(
    key="implicit-ck/equilibrium",
    source=cite(_PAPER, "not in the paper in this form"),
    number="Equilibrium",
    title="The equilibrium variance",
    hypotheses=("phi has the Lipschitz constant L", "sa L^2 < 1"),
    printed="",
    standing=Standing.NEW,
    corrected="tau^2 = sa Var phi(tau xi) + sb tau0^2 has exactly one solution, and F' <= L^2, E phi'^2 <= L^2, D > 0.",
    proof=(
        "Let s(t) be the standard deviation of phi(t xi).  s <= L t (Poincare) and |s(t) - s(t')| <= L |t - "
        "t'| (couple with the "
        "same xi), so d s^2/d t^2 = (s/t) s' <= L^2: the map of tau^2 has slope at most sa L^2 < 1.  g1 "
        "tau^2 <= Var phi(tau xi) gives D "
        "= 1 - sa g1 >= sb tau0^2/tau^2."
    ),
    basis=Basis.PROOF,
    probes=(Probe(Kind.IDENTITY, _slope_of_the_variance), Probe(Kind.IDENTITY, _relu_equilibrium)),
)


# ---- design of explicit networks -------------------------------------------------------------------------------------


def _leaky(power: int) -> Check:
    """Leaky relu with slopes a, b, centred: gamma^2 = a1 tau0^2 + 2 (pi - 2) a2 tau0^4, for every sa and sb."""
    a, b = sp.symbols("a b", positive=True)
    share = (a**2 + b**2) / 2 - (a - b) ** 2 / (2 * sp.pi)  # gamma^2/tau^2, and F'
    variance = SB * TAU0**2 / (1 - SA * share)
    values = {G1: (a + b) ** 2 / 4, G2: (a - b) ** 2 / (2 * sp.pi * variance), FP: share}
    first, second = FIRST.subs(values), SECOND.subs(values)
    rest = share * variance - first * TAU0**2 - 2 * (sp.pi - 2) * second * TAU0**power
    return identity("leaky relu", "gamma^2 = a1 tau0^2 + 2 (pi - 2) a2 tau0^4", sp.cancel(sp.together(rest)))


_LEAKY = Theorem(
    key="implicit-ck/leaky-identity",
    source=cite(_PAPER, "not in the paper"),
    number="Leaky identity",
    title="What leaky-ReLU networks cannot match",
    hypotheses=("phi is a centred leaky ReLU",),
    printed="",
    standing=Standing.NEW,
    corrected=(
        "Every implicit network with centred leaky ReLU satisfies gamma^2 = a1 tau0^2 + 2 (pi - 2) a2 tau0^4 "
        "(as does every "
        "explicit one), so such networks match three coefficients freely, not four, and none matches an "
        "activation that violates it."
    ),
    proof="The moments of leaky ReLU are explicit: F' = gamma^2/tau^2, hence A4 = tau^2/tau0^2; substitute.",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.IDENTITY, partial(_leaky, 4), partial(_leaky, 2)),),
)


def _one_layer() -> Check:
    """The recursion of explicit layers from a1 = a4 = b1 = 1, a2 = a3 = b2 = b3 = 0."""
    a1, a2, a3 = G1, G2 / 4, G2 / 2
    b2, b3 = a2, a3 + G2
    return identity("one layer", "a3 = 2 a2 and b3 = 6 b2", [sp.expand(a3 - 2 * a2), sp.expand(b3 - 6 * b2), a1 - G1])


def _implicit_ratio(wanted: str) -> Check:
    ratio = THIRD / SECOND
    stated = 2 * (A1 / A4) ** 2 if wanted == "true" else sp.Integer(2)
    return identity("implicit ratio", "a3/a2 = 2 (A1/A4)^2, which is 2 only if F' = g1", sp.simplify(ratio - stated))


_OBSTRUCTION = Theorem(
    key="implicit-ck/one-layer-obstruction",
    source=cite(_PAPER, "design principle"),
    number="Obstruction",
    title="One plain hidden layer is not enough",
    hypotheses=("one hidden layer of Gaussian weights, any activation",),
    printed="",
    standing=Standing.NEW,
    corrected=(
        "Such a network has a3 = 2 a2 (CK) and b3 = 6 b2 (NTK); an implicit network has a3 = 2 a2 only if F' = "
        "g1 or E phi'' = 0."
    ),
    proof=(
        "Put the start of the recursion of explicit layers into its first step; divide a3 by a2 for the implicit "
        "network."
    ),
    basis=Basis.CHECKS,
    probes=(
        Probe(Kind.IDENTITY, _one_layer),
        Probe(Kind.IDENTITY, partial(_implicit_ratio, "true"), partial(_implicit_ratio, "wrong")),
    ),
)


def _power_series() -> Check:
    """The first two coefficients of the solution of G = g1 lam + g2/2 lam^2 + ..., lam = sa G + sb tau0^2 rho."""
    e = SB * TAU0**2
    b1 = G1 * e / D
    b2 = G2 / 2 * (SA * b1 + e) ** 2 / D
    return identity(
        "series",
        "b1 = a1 tau0^2 and b2 = a3 tau0^4",
        [sp.simplify(b1 - FIRST * TAU0**2), sp.simplify(b2 - THIRD * TAU0**4)],
    )


def _cubic_moments() -> Check:
    """E sigma', E sigma'', E sigma^2 of the cubic layer at variance tau0^2, and the mean shift of its norm feature."""
    x = sp.Symbol("x", real=True)
    a1, a2, a3, r3 = sp.symbols("a1 a2 a3 r3", positive=True)
    sigma = sp.sqrt(a1) * x + sp.sqrt(a3 / 2) * (x**2 - TAU0**2)
    sigma += sp.sqrt(r3 / 6) / TAU0**3 * (x**3 - 3 * TAU0**2 * x)

    def expectation(f: sp.Expr) -> sp.Expr:
        moments = {0: 1, 2: TAU0**2, 4: 3 * TAU0**4, 6: 15 * TAU0**6}
        return sum(c * moments.get(k, 0) for (k,), c in sp.Poly(sp.expand(f), x).terms())

    shift = expectation(sigma.diff(x, 2)) / 2 + sp.sqrt(a2) - sp.sqrt(a3 / 2)  # of E sigma, per |x|^2 - tau0^2
    return identity(
        "moments",
        "(E sigma')^2 = a1, (E sigma'')^2/2 = a3, shift^2 = a2, E sigma^2 = a1 tau0^2 + a3 tau0^4 + r3",
        [
            sp.expand(expectation(sigma.diff(x)) ** 2 - a1),
            sp.expand(expectation(sigma.diff(x, 2)) ** 2 / 2 - a3),
            sp.expand(shift**2 - a2),
            sp.expand(expectation(sigma**2) - a1 * TAU0**2 - a3 * TAU0**4 - r3),
        ],
    )


def _remainder(factor: float) -> Check:
    worst = -np.inf
    for sa in np.linspace(0.02, 0.98, 49):
        for norm in (0.1, 1.0, 5.0):
            values = coefficients(float(sa), 1 - float(sa), norm).conjugate
            worst = max(worst, -(values[3] - values[0] * norm - factor * values[2] * norm**2) / values[3])
    return agrees("relu", "gamma^2 - a1 tau0^2 - a3 tau0^4 >= 0", worst, 1e-12, 147, "parameters")


_CUBIC = Theorem(
    key="implicit-ck/cubic-design",
    source=cite(_PAPER, "design principle"),
    number="Cubic design",
    title="One cubic layer with a norm feature matches every implicit network",
    hypotheses=(*SETTING[1:],),
    printed="",
    standing=Standing.NEW,
    corrected=(
        "sigma(x) = sqrt(a1) x + sqrt(a3/2)(x^2 - tau0^2) + sqrt(r3/6)/tau0^3 (x^3 - 3 tau0^2 x), r3 = "
        "gamma^2 - a1 tau0^2 - a3 "
        "tau0^4, with the feature (sqrt(a2) - sqrt(a3/2))(|x|^2 - tau0^2), has the coefficients a1, a2, a3 "
        "and the diagonal of the "
        "implicit network; r3 >= 0 always."
    ),
    proof=(
        "One layer has a1 = (E sigma')^2, a3 = (E sigma'')^2/2, the diagonal E sigma^2, and a2 from the mean shift.  "
        "On the sphere G(rho) is the fixed point of a power series with non-negative coefficients (Hermite), "
        "so it is one itself: "
        "G = sum b_k rho^k, b_k >= 0, with b1 = a1 tau0^2, b2 = a3 tau0^4 and sum b_k = gamma^2; r3 = b_3 + "
        "b_4 + ... (and b_0 = 0 by "
        "centring)."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _power_series),
        Probe(Kind.IDENTITY, _cubic_moments),
        Probe(Kind.PROPERTY, partial(_remainder, 1.0), partial(_remainder, 4.0)),
    ),
)

THEOREMS = (_EQUILIBRIUM, _SPHERE, _OBSTRUCTION, _LEAKY, _CUBIC)
