"""Tangent kernel of a wide network with the error function.

The slope is a Gaussian function, whose dual is 4/(pi sqrt((1 + 2 kxx)(1 + 2 kyy) - 4 kxy^2)).
"""

import sympy as sp

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import ntk

derivation = Derivation(
    ntk(sp.erf(z), name="ntk_erf"),
    sources=(
        cite("williams1996computing"),
        cite("arora2019exact"),
    ),
)
