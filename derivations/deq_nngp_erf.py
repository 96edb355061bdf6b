"""Gaussian process of the deep equilibrium model with the normalised error function: the covariance of its fixed point.

It is what the tangent kernel ``deq_ntk_erf`` is made of, and the kernel of a model whose last layer alone is trained.
"""

import sympy as sp

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import deq_nngp, normalised

derivation = Derivation(
    deq_nngp(normalised(sp.erf(z)), name="deq_nngp_erf"),
    sources=(cite("feng2021deqntk", "Theorem 2"), cite("williams1996computing")),
)
