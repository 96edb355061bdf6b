"""Symbols and coefficients of the equivalents of implicit kernels.

With g1 = (E phi')^2, g2 = (E phi'')^2 and Fp = d/dq E phi(sqrt q xi)^2 at equilibrium, D = 1 - sa g1, A1 = sb/D and
A4 = sb/(1 - sa Fp), the coefficients are FIRST = a1, SECOND = a2, THIRD = a3.
"""

import sympy as sp

__all__ = ["A1", "A4", "FIRST", "FP", "G1", "G2", "SA", "SB", "SECOND", "SETTING", "TAU0", "THIRD", "D"]

SA, SB, TAU0 = sp.Symbol("sa", positive=True), sp.Symbol("sb", positive=True), sp.Symbol("tau0", positive=True)
G1, G2, FP = sp.symbols("g1 g2 Fp", positive=True)
SETTING = (
    "x_i = (mu_a + z_i)/sqrt(p), z_i ~ N(0, C_a), n/p -> c, |mu_a| = O(1), tr(C_a - C) = O(sqrt p)",
    "phi centred at equilibrium, square-integrable; for the NTK its weak derivative too",
    "sa F' < 1, for the NTK sa E phi'^2 < 1",
)
D = 1 - SA * G1
A1, A4 = SB / D, SB / (1 - SA * FP)
FIRST, SECOND, THIRD = G1 * A1, G2 * A4**2 / (4 * D), G2 * A1**2 / (2 * D)
