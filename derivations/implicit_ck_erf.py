"""Conjugate kernel of the implicit network with the error function (after Ling et al.).

The mean of an odd activation is 0 at every variance: nothing is to be centred.  The expectations are Williams' arcsine
and its derivative.
"""

import sympy as sp

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import implicit_ck

derivation = Derivation(
    implicit_ck(sp.erf(z), name="implicit_ck_erf"),
    sources=(cite("ling2024deq"), cite("williams1996computing")),
)
