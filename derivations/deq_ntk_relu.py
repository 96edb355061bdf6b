"""Tangent kernel of the deep equilibrium model with the normalised ReLU, sqrt(2) relu (Feng and Kolter, Theorem 2).

On the unit sphere with variances that sum to one, the pre-activation correlation obeys

    r = w relu_hat(r) + u <x, x'> + b.

ReLU is positively homogeneous, so for any inputs the equation is one for the angle alone.  Its derivative is
w step_hat(r) by Price's theorem, at most w < 1: the map is a contraction on all of [-1, 1], coincident inputs included.
"""

from dekderive.atoms import relu
from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import deq_ntk, normalised

derivation = Derivation(
    deq_ntk(normalised(relu(z)), name="deq_ntk_relu"),
    sources=(cite("feng2021deqntk", "Theorem 2"), cite("cho2009kernel")),
)
