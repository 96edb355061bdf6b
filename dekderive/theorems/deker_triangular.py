"""The deep equilibrium kernel of general links, diagonals first: existence, uniqueness and continuity (Theorem B)."""

from __future__ import annotations

from functools import partial

import numpy as np
import sympy as sp

from dekderive.citations import cite
from dekderive.duals.proof import decide_zero
from dekderive.families import gaussian
from dekderive.kernels import hermite
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import cxx, cxy, cyy, kxx, kxy, kyy, mean_x, mean_y, z
from dekderive.theorems.deker_model import LINKS, draw_pairs
from dekderive.theorems.evidence import agrees, identity
from dekderive.theorems.theorem import Basis, Kind, Probe, Standing, Theorem
from dekderive.update_maps import deker
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "tsuchida2023deker"


def _weights() -> Check:
    """Hermite weights: c r^2 - 2 mu r s + s^2 = (s - mu r)^2 + (c - mu^2) r^2."""
    c, m, r, s = sp.symbols("c mu r s", real=True)
    return identity(
        "weights",
        "w_k = (s_k - mu r_k)^2 + (c - mu^2) r_k^2 >= 0",
        sp.expand(c * r**2 - 2 * m * r * s + s**2 - (s - m * r) ** 2 - (c - m**2) * r**2),
    )


def _slope_at_coincidence() -> Check:
    """Gaussian family, R = sin: the derivative of the pair step at x = x' is S_x/lam^2, both derived by the engine."""
    update = deker(Reparameterisation(gaussian(), sp.sin(z)))
    same = {kyy: kxx, kxy: kxx, cyy: cxx, cxy: cxx, mean_y: mean_x}
    assert update.modulus is not None
    difference = (update.step_derivative - update.modulus).subs(same, simultaneous=True)
    verdict, detail = decide_zero(sp.expand(difference))
    return Check("coincidence", "d step/d kxy at x = x' is S_x/lam^2", verdict, detail)


def _price() -> Check:
    update = deker(Reparameterisation(gaussian(), sp.sin(z)))
    verdict, detail = decide_zero(update.step.diff(kxy) - update.step_derivative)
    return Check("Price", "d step/d kxy = E[b'(u) b'(u')]/lam^2", verdict, detail)


def _cauchy_schwarz(factor: float) -> Check:
    """|E[b' b']| <= sqrt(S_x S_x') for tanh: derivatives by quadrature at random covariances."""
    rng = np.random.default_rng(52)
    k = draw_pairs(rng, 300, 6.0)
    link = LINKS[1]
    assert link.activation_derivative is not None
    slopes = np.abs(hermite.dual_kxy(link.activation, link.activation, k.xx, k.yy, k.xy))
    squares = [
        np.asarray(hermite.mean(link.activation_derivative, link.activation_derivative, v)) for v in (k.xx, k.yy)
    ]
    worst = float(np.max(slopes - factor * np.sqrt(squares[0] * squares[1])))
    return agrees("Cauchy-Schwarz", f"|E[b'(u) b'(u')]| <= {factor:g} sqrt(S_x S_x')", worst, 1e-10, 300, "covariances")


def _poisson() -> Check:
    """With y = e^(P/2) and m = y^3: (m - y)^2 + y^4 - y^2 = y^6 - y^4, and (m - y)^2 increases in m >= y."""
    y, m = sp.Symbol("y", positive=True), sp.Symbol("m", positive=True)
    left = ((m - y) ** 2 + y**4 - y**2).subs(m, y**3)
    completed = (m**2 - 2 * m * y + y**4) - ((m - y) ** 2 + y**4 - y**2)
    return identity(
        "Poisson", "c - 2 mu y + y^4 >= y^6 - y^4 for mu >= y^3", [sp.expand(left - y**6 + y**4), sp.expand(completed)]
    )


def _logarithm() -> Check:
    y = sp.Symbol("y", positive=True)
    gap = y**2 - 1 - 2 * sp.log(y)
    return identity(
        "logarithm",
        "(y^2 - 1 - 2 log y)' = 2 (y - 1/y), and the gap is 0 at 1: 2 log y < y^2 - 1 for y > 1",
        [sp.simplify(gap.diff(y) - 2 * (y - 1 / y)), gap.subs(y, 1)],
    )


_THEOREM_B = Theorem(
    key="deker/theorem-b",
    source=cite(_PAPER, "not in the paper"),
    number="Theorem B",
    title="The triangular system: diagonals first",
    hypotheses=(
        "rho and sigma weakly differentiable, in L^2 with their derivatives",
        "C - mu mu' positive semi-definite",
    ),
    printed="",
    standing=Standing.NEW,
    corrected=(
        "(i) The diagonals solve q = h(q) = |T rho(qZ) - sigma(qZ)|/lam, unique if lam^2 > sup_q E[s(qZ) "
        "Z^2]; they exist if "
        "limsup h(q)/q < 1.  (ii) Given q, q', the off-diagonal entry is unique and linearly attracting if "
        "sqrt(S_x S_x') < "
        "lam^2, S_x = E s(q Z).  (iii) For x = x' the map of the correlation is phi(r) = sum w_k r^k / sum "
        "w_k with w_k >= 0 and "
        "phi'(1) = S_x/lam^2: the kernel is continuous at the diagonal if that is <= 1; if it exceeds 1, "
        "there is exactly one "
        "further fixed point r* < 1 in [0, 1), it attracts, and the kernel has the nugget q^2 (1 - r*).  "
        "(iv) For the Poisson "
        "family with R = id every stable diagonal has S_x < lam^2."
    ),
    proof=(
        "(i) |h'| <= |b'(qZ) Z|/lam; intermediate values.  (ii) Price's theorem and Cauchy-Schwarz.  (iii) "
        "phi is a power series"
        " with non-negative coefficients, because w_k is a sum of squares; it is convex on [0, 1] with "
        "phi(1) = 1, phi(0) >= 0.  "
        "(iv) With y = e^(P/2), stability means lam^2 >= 2 y^4 - mu y; if S = y^4 >= lam^2, then mu >= y^3, "
        "and with c >= mu^2 "
        "the diagonal equation gives 2 y^4 log y >= lam^2 P = c - 2 mu y + y^4 >= y^6 - y^4, so 2 log y >= "
        "y^2 - 1, which is "
        "false for y > 1.  QED"
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _weights),
        Probe(Kind.IDENTITY, _price),
        Probe(Kind.IDENTITY, _slope_at_coincidence),
        Probe(Kind.IDENTITY, _poisson),
        Probe(Kind.IDENTITY, _logarithm),
        Probe(Kind.PROPERTY, partial(_cauchy_schwarz, 1.0), partial(_cauchy_schwarz, 0.5)),
    ),
)

THEOREMS = (_THEOREM_B,)
