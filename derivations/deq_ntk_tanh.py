"""Tangent kernel of the deep equilibrium model with the normalised hyperbolic tangent.

Its expectations have no closed form: they are computed by quadrature and Hermite series to a proved accuracy, and the
activation is divided by the root of a rational number that is proved to be within 1e-22 of E[tanh(u)^2].  For unit
inputs and variances that sum to one the kernel is continuous while w E[f'(u)^2] < 1, that is w < 0.849.
"""

import sympy as sp

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import deq_ntk, normalised

derivation = Derivation(
    deq_ntk(normalised(sp.tanh(z)), name="deq_ntk_tanh"),
    sources=(cite("feng2021deqntk", "Theorem 2"), cite("price1958useful")),
)
