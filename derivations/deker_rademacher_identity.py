"""DEKer of the Rademacher (Ising) family with the canonical link: slope 1, activation tanh.

The activation is odd, so that the statistic's mean drops out.  E[tanh(u) tanh(v)] has no closed form; it is a Hermite
series.  For regularisation > sup A'' = 1 the map is a contraction in the Bures-Wasserstein distance, and
the fixed point exists and is unique.
"""

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.families import rademacher
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import z
from dekderive.update_maps import deker

derivation = Derivation(
    deker(Reparameterisation(rademacher(), z), name="deker_rademacher_identity"), sources=(cite("tsuchida2023deker"),)
)
