"""Tangent kernel of a wide ReLU network (Jacot, Gabriel and Hongler).

The slope is a step, whose dual is (pi - t)/2pi: the tangent kernel has a cusp at x = x', but no jump, and no nugget.
"""

from dekderive.atoms import relu
from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import ntk

derivation = Derivation(
    ntk(relu(z), name="ntk_relu"),
    sources=(
        cite("cho2009kernel"),
        cite("arora2019exact"),
    ),
)
