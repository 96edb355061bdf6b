"""DEKer of the Gaussian family with natural map erf: slope 2 exp(-z^2)/sqrt(pi), activation erf(z) times that.

Both functions are smooth and bounded, and integrate in closed form: the tilt by exp(-z^2) turns each expectation into
one of Williams' arcsines under a shrunken covariance.  A fixed point exists for every regularisation.
"""

import sympy as sp

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.families import gaussian
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import z
from dekderive.update_maps import deker

derivation = Derivation(
    deker(Reparameterisation(gaussian(), sp.erf(z)), name="deker_gaussian_erf"),
    sources=(cite("tsuchida2023deker"), cite("williams1996computing")),
)
