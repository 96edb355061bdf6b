"""Gaussian process of a wide network with the error function: Williams' arcsine, layer by layer."""

import sympy as sp

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import nngp

derivation = Derivation(
    nngp(sp.erf(z), name="nngp_erf"),
    sources=(cite("williams1996computing"),),
)
