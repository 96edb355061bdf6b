"""The tangent kernel of fully connected equilibrium models: section 3 and appendix A of the DEQ-NTK paper."""

from __future__ import annotations

from functools import partial

import numpy as np
import sympy as sp

from dekderive.atoms import relu
from dekderive.citations import cite
from dekderive.duals import dual
from dekderive.symbols import kxx, kxy, kyy, z
from dekderive.theorems.arc_cosine import RHO, conjugate, correlation_step, elementary, price, tangent
from dekderive.theorems.evidence import agrees, identity
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check, Verdict

__all__ = ["THEOREMS"]

_PAPER = "feng2021deqntk"
_W, _U, _B = sp.symbols("w u b", positive=True)  # sigma_W^2, sigma_U^2, sigma_b^2


# ---- the layer -------------------------------------------------------------------------------------------------------


def _injection(scale: str) -> Check:
    """Covariance of sigma_U u.x + sigma_b b for two inputs, with E[u_i u_j] = 1 if i = j, in two dimensions."""
    u = sp.symbols("u1:3", real=True)
    b = sp.Symbol("beta", real=True)
    x, y = sp.symbols("x1:3", real=True), sp.symbols("y1:3", real=True)
    n = sp.Symbol("N", positive=True)
    factor = 1 / sp.sqrt(n) if scale == "printed" else 1
    f, g = (factor * (sp.sqrt(_U) * (u[0] * v[0] + u[1] * v[1]) + sp.sqrt(_B) * b) for v in (x, y))
    moments = {u[0] ** 2: 1, u[1] ** 2: 1, b**2: 1, u[0]: 0, u[1]: 0, b: 0}
    covariance = sp.expand(f * g).subs(moments)
    stated = _U * (x[0] * y[0] + x[1] * y[1]) + _B
    return identity("injection", "the injected covariance is sigma_U^2 x'y + sigma_b^2", sp.expand(covariance - stated))


def _vanishing_injection() -> Refutation:
    value = 0.4 / 1000
    return Refutation(
        value < 0.4,
        f"with 1/sqrt(N) in front of U the injection contributes {value:g} at width 1000 and 0 in the limit, not 0.4",
        {"contribution": value},
    )


_LAYER = Theorem(
    key="deq-ntk/section-3.1-layer",
    source=cite(_PAPER, "section 3.1 and appendix A"),
    number="Section 3.1",
    title="Scaling of the injection",
    hypotheses=("entries of W, U, b are independent standard normal",),
    printed=(
        "f^(h) = sigma_W/sqrt(N) W g^(h-1) + sigma_U/sqrt(N_h) U x + sigma_b/sqrt(N_h) b (as the text we have reads)."
    ),
    standing=Standing.MISPRINT,
    corrected="U x and b are scaled by sigma_U and sigma_b alone; otherwise (4) is not the covariance.",
    proof="",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.IDENTITY, partial(_injection, "corrected"), partial(_injection, "printed")),),
    counterexample=Counterexample("sigma_U^2 = 0.4, x = y on the sphere, N = 1000", _vanishing_injection),
    remarks="Possibly lost in the conversion of the text, not an error of the authors.",
)


def _closed_forms(factor: int) -> Check:
    """The duals of the engine, proved by Price's theorem, at unit variances, against (10) and (11)."""
    activation = sp.sqrt(2) * relu(z)
    proofs = [c for f in (activation, activation.diff(z)) for c in dual(f).checks()]
    if Verdict.all([c.verdict for c in proofs]) is not Verdict.HOLDS:
        return Check("duals", "the closed forms hold", Verdict.UNDECIDED, "the engine did not prove its duals")
    unit = {kxx: 1, kyy: 1, kxy: RHO}
    first, second = (elementary(dual(f).expression.subs(unit)) for f in (activation, activation.diff(z)))
    differences = [first - conjugate(RHO), second - factor * tangent(RHO)]
    return identity(
        "closed forms", "E[ss'] and E[s's'] are (10) and (11)", [sp.simplify(_arcsine(d)) for d in differences]
    )


def _arcsine(expression: sp.Expr) -> sp.Expr:
    return sp.expand(expression.replace(sp.acos, lambda x: sp.pi / 2 - sp.asin(x)))


_CLOSED_FORMS = Theorem(
    key="deq-ntk/equations-10-11",
    source=cite(_PAPER, "(10), (11)"),
    number="(10)-(11)",
    title="Arc-cosine kernels",
    hypotheses=("sigma(x) = sqrt(2) max(0, x)", "u, v have variance 1 and correlation rho"),
    printed=(
        "E[ss'] = (sqrt(1 - rho^2) + (pi - acos rho) rho)/pi and E[s's'] = (pi - acos rho)/pi (Daniely et al.; "
        "Cho and Saul)."
    ),
    standing=Standing.RIGHT,
    proof=(
        "Price's theorem: the derivative of the first in rho is the second, whose derivative is E of two deltas; "
        "and the values at rho = 0."
    ),
    basis=Basis.CHECKS,
    probes=(
        Probe(Kind.IDENTITY, partial(_closed_forms, 1), partial(_closed_forms, 2)),
        Probe(Kind.IDENTITY, price),
    ),
    remarks="The square root of (10) is lost in the text we have.",
)

_RECURSION = Theorem(
    key="deq-ntk/equations-2-5",
    source=cite(_PAPER, "(2)-(5)"),
    number="(2)-(5)",
    title="Covariances of the layers",
    hypotheses=("the layers of section 3.1, with sigma_U and sigma_b unscaled", "infinite width"),
    printed=(
        "Sigma^(0) = x'y; Sigma^(h) = sigma_W^2 E[s(u) s(v)] + sigma_U^2 x'y + sigma_b^2; its derivative "
        "sigma_W^2 E[s'(u) s'(v)]."
    ),
    standing=Standing.RIGHT,
    proof=(
        "Conditionally on layer h - 1 the coordinates are independent Gaussians with this covariance, by the law "
        "of large numbers; (5) is the derivative of (4) by Price's theorem."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, partial(_injection, "corrected"), partial(_injection, "printed")),
        Probe(Kind.IDENTITY, price),
    ),
    remarks="The dot of (5) is lost in the text we have.",
)


# ---- theorem 1 -------------------------------------------------------------------------------------------------------


def _sum_of_products(depth: int, sigma: list[sp.Symbol], dots: list[sp.Symbol]) -> sp.Expr:
    """Equation (6) with Sigma^(h-1) = sigma[h-1] and dotted Sigma^(h') = dots[h'], the last of which is 1."""
    total = sp.S.Zero
    for h in range(1, depth + 2):
        factors = [dots[k] if k <= depth else sp.S.One for k in range(h, depth + 2)]
        total += sigma[h - 1] * sp.Mul(*factors)
    return total


def _one_more_layer(shift: int) -> Check:
    sigma, dots = sp.symbols("S0:6", real=True), sp.symbols("D0:6", real=True)
    differences = [
        sp.expand(
            _sum_of_products(depth + 1, sigma, dots)
            - dots[depth + 1] * _sum_of_products(depth, sigma, dots)
            - sigma[depth + 1 - shift]
        )
        for depth in range(4)
    ]
    return identity("recursion", "Theta^(L+1) = dSigma^(L+1) Theta^(L) + Sigma^(L+1), L = 0..3", differences)


def _stated_network(dimension: int) -> sp.Rational:
    """NTK of the network of section 3.1 for L = 1, x = y, (.6, .4, 0): two layers of W, the first on x itself."""
    w, u = sp.Rational(6, 10), sp.Rational(4, 10)
    first = w / dimension + u  # variance of f^(1); a ReLU keeps it, at x = y
    second = w * first + u
    return second + w * first


def _width_limit(network: str) -> Check:
    """Squared gradients of a network with 40 000 hidden units (L = 1, x = y, three dimensions), 16 repetitions."""
    rng = np.random.default_rng(31)
    w, u, d = 0.6, 0.4, 3
    theta = []
    for _ in range(16):
        inner = w / d + u if network == "stated" else 1.0  # the variance, and the tangent kernel, of the first layer
        f = np.sqrt(inner) * rng.standard_normal(40_000)
        readout = rng.standard_normal(40_000)
        active = (f > 0).astype(float)
        theta.append(w * np.mean(2 * np.maximum(f, 0) ** 2) + u + w * np.mean(readout**2 * 2 * active) * inner)
    error = abs(float(np.mean(theta)) - 1.6) / (np.std(theta, ddof=1) / 4)
    return agrees("embedded network", "Theta^(1) = 8/5 by (6)", float(error), 5.0, 16, "networks (standard errors)")


def _other_network() -> Refutation:
    stated = _stated_network(3)
    return Refutation(
        stated != sp.Rational(8, 5),
        f"(6) gives 8/5; the tangent kernel of the stated network is {stated} = {float(stated):g}",
        {"stated network": float(stated), "(6)": 1.6},
    )


def _same_limit() -> Check:
    """Variance q, covariance c and tangent kernel of both networks, d = 3, x'y = 0.3, (.6, .4, 0), at depth 400."""
    limits = []
    for q, c in ((1.0, 0.3), (0.6 / 3 + 0.4, 0.6 * 0.3 / 3 + 0.12)):
        theta = c
        for _ in range(400):
            rho = c / q
            c, q = 0.6 * q * correlation_step(rho) + 0.12, 0.6 * q + 0.4
            theta = 0.6 * (np.pi - np.arccos(rho)) / np.pi * theta + c
        limits.append(theta)
    gap = abs(limits[0] - limits[1])
    return agrees("limit", "both networks have the same tangent kernel at infinite depth", float(gap), 1e-12, 1, "pair")


_THEOREM_1 = Theorem(
    key="deq-ntk/theorem-1",
    source=cite(_PAPER, "Theorem 1, (6)"),
    number="Theorem 1, (6)",
    title="Tangent kernel at finite depth",
    hypotheses=("infinite width", "NTK initialisation"),
    printed=(
        "Theta^(L) = sum over h = 1..L+1 of Sigma^(h-1) times the product of dSigma^(h') over h' = h..L+1 is the "
        "tangent kernel of the network of section 3.1."
    ),
    standing=Standing.WRONG,
    corrected=(
        "It is the tangent kernel of f^(L) when f^(0) = W0 x is a trainable random linear layer; it obeys "
        "Theta^(L+1) = "
        "dSigma^(L+1) Theta^(L) + Sigma^(L+1), Theta^(0) = Sigma^(0).  The stated network, whose first layer "
        "applies W to "
        "x / sqrt(d), has another kernel at finite depth, and the same limit."
    ),
    proof=(
        "The gradient in layer h contributes Sigma^(h-1)-like terms times the products of dSigma above it; "
        "collecting the "
        "top layer gives the recursion.  The limits agree because both run through the same contraction (Theorem 2)."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, partial(_one_more_layer, 0), partial(_one_more_layer, 1)),
        Probe(Kind.SIMULATION, partial(_width_limit, "embedded"), partial(_width_limit, "stated")),
        Probe(Kind.PROPERTY, _same_limit),
    ),
    counterexample=Counterexample(
        "L = 1, d = 3, x = y, (sigma_W^2, sigma_U^2, sigma_b^2) = (.6, .4, 0)", _other_network
    ),
    remarks=(
        "If the first layer is read without 1/sqrt(d), the stated network has the kernel (6) for sigma_b = 0, "
        "and another one otherwise."
    ),
)

THEOREMS = (_LAYER, _RECURSION, _CLOSED_FORMS, _THEOREM_1)
