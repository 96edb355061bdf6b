"""Tangent kernel of the deep equilibrium model with the normalised error function.

The expectations are Williams' arcsine and its derivative; the equation is smooth up to coincident inputs.  For unit
inputs and variances that sum to one it is a contraction while w E[f'(u)^2] < 1, that is w < 0.8159...; beyond, the
correlation 1 is repelling and the tangent kernel of an input with itself is infinite.
"""

import sympy as sp

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import deq_ntk, normalised

derivation = Derivation(
    deq_ntk(normalised(sp.erf(z)), name="deq_ntk_erf"),
    sources=(cite("feng2021deqntk", "Theorem 2"), cite("williams1996computing")),
)
