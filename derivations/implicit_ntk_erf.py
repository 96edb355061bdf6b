"""Tangent kernel of the implicit network with the error function, input weights frozen (after Ling et al.).

The mean of an odd activation is 0 at every variance: nothing is to be centred.  The expectations are Williams' arcsine
and its derivative.
"""

import sympy as sp

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import implicit_ntk

derivation = Derivation(
    implicit_ntk(sp.erf(z), name="implicit_ntk_erf"),
    sources=(cite("ling2024deq"), cite("williams1996computing")),
)
