"""Tangent kernel of the deep equilibrium model with the normalised GELU, z Phi(z).

The expectations have closed forms (Tsuchida et al., Proposition 3).  E[f(u)^2] grows like 1.176 kxx: variances exist
for all inputs while w < 0.85.  Its slope was 1.185 at most where it was sampled, so that they seem to be unique while
w < 0.84; that is not proved.  For unit inputs and variances that sum to one the variance 1 attracts while w < 0.874;
above, the one that attracts is smaller.
"""

from dekderive.atoms import gelu
from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import deq_ntk, normalised

derivation = Derivation(
    deq_ntk(normalised(gelu(z)), name="deq_ntk_gelu"),
    sources=(cite("feng2021deqntk", "Theorem 2"), cite("price1958useful")),
)
