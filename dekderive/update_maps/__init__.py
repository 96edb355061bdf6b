"""Update maps: one step of an infinitely deep model on covariances, one layer, or a step of a model on its state."""

from dekderive.update_maps.deker import deker
from dekderive.update_maps.deq_ntk import deq_nngp, deq_ntk
from dekderive.update_maps.existence import Conditions, conditions
from dekderive.update_maps.implicit import implicit_ck, implicit_ntk
from dekderive.update_maps.kglm import ConvexLoss, ConvexPenalty, convex_loss, kglm, penalty
from dekderive.update_maps.layered import LayeredMap, nngp, ntk
from dekderive.update_maps.normalisation import normalised
from dekderive.update_maps.update_map import UpdateMap

__all__ = [
    "Conditions",
    "ConvexLoss",
    "ConvexPenalty",
    "LayeredMap",
    "UpdateMap",
    "conditions",
    "convex_loss",
    "deker",
    "deq_nngp",
    "deq_ntk",
    "implicit_ck",
    "implicit_ntk",
    "kglm",
    "nngp",
    "normalised",
    "ntk",
    "penalty",
]
