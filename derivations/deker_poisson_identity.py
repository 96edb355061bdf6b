"""DEKer of the Poisson family with the canonical (log) link: slope 1, activation exp.

The activation is superlinear, so that the diagonal equation lambda^2 k = c - 2 mu exp(k/2) + exp(2k) has two roots, one
or none.  The smallest is the limit of SGD from small features; there is none below the critical regularisation
lambda^2 = min_k (c - 2 mu exp(k/2) + exp(2k)) / k.
"""

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.families import poisson
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import z
from dekderive.update_maps import deker

derivation = Derivation(
    deker(Reparameterisation(poisson(), z), name="deker_poisson_identity"), sources=(cite("tsuchida2023deker"),)
)
