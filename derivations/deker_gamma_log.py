"""DEKer of the gamma family (known shape) with the log link: R = -exp(-z), slope exp(-z), activation the shape.

The mean is shape * exp(z), what a statistician calls the log link; the activation is constant, and everything that
depends on the inputs comes from the slope.  The shape is a parameter of the generated kernel.
"""

import sympy as sp

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.families import gamma
from dekderive.parameters import parameter
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import z
from dekderive.update_maps import deker

shape = parameter("shape", positive=True)

derivation = Derivation(
    deker(Reparameterisation(gamma(shape), -sp.exp(-z)), name="deker_gamma_log"), sources=(cite("tsuchida2023deker"),)
)
