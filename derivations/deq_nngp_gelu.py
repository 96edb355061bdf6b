"""Gaussian process of the deep equilibrium model with the normalised GELU: the covariance of its fixed point.

It is what the tangent kernel ``deq_ntk_gelu`` is made of, and the kernel of a model whose last layer alone is trained.
"""

from dekderive.atoms import gelu
from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import deq_nngp, normalised

derivation = Derivation(
    deq_nngp(normalised(gelu(z)), name="deq_nngp_gelu"),
    sources=(cite("feng2021deqntk", "Theorem 2"), cite("price1958useful")),
)
