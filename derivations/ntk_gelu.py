"""Tangent kernel of a wide network with the GELU, z Phi(z)."""

from dekderive.atoms import gelu
from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import ntk

derivation = Derivation(
    ntk(gelu(z), name="ntk_gelu"),
    sources=(
        cite("price1958useful"),
        cite("arora2019exact"),
    ),
)
