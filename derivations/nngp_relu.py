"""Gaussian process of a wide ReLU network: the arc-cosine kernel of degree 1, layer by layer.

ReLU is positively homogeneous: with t the angle before a layer, the gap after it is versine(t) - (sin t - t cos t)/pi,
whatever the variances.  At depth 1 without bias this is Cho and Saul's kernel, with the weight variance as a factor.
"""

from dekderive.atoms import relu
from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import nngp

derivation = Derivation(
    nngp(relu(z), name="nngp_relu"),
    sources=(cite("cho2009kernel"),),
)
