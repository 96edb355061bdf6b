"""Tangent kernel of the implicit network with the hyperbolic tangent, input weights frozen (after Ling et al.).

The mean of an odd activation is 0 at every variance: nothing is to be centred.  The expectations are Hermite series.
"""

import sympy as sp

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import implicit_ntk

derivation = Derivation(
    implicit_ntk(sp.tanh(z), name="implicit_ntk_tanh"),
    sources=(cite("ling2024deq"),),
)
