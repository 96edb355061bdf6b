"""DEKer of the Poisson family with mean softplus(z): R = log softplus, slope expit/softplus, activation expit.

Both functions are bounded with bounded derivatives, so that a fixed point exists for every regularisation.  None of the
three expectations has a closed form; they are Hermite series.
"""

import sympy as sp

from dekderive.atoms import softplus
from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.families import poisson
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import z
from dekderive.update_maps import deker

derivation = Derivation(
    deker(Reparameterisation(poisson(), sp.log(softplus(z))), name="deker_poisson_log_softplus"),
    sources=(cite("tsuchida2023deker"),),
)
