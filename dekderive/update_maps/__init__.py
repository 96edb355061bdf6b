"""Update maps: what one step of an infinitely deep model, or one layer of a network, does to a covariance."""

from dekderive.update_maps.deker import deker
from dekderive.update_maps.deq_ntk import deq_ntk, normalised
from dekderive.update_maps.layered import LayeredMap, nngp, ntk
from dekderive.update_maps.update_map import UpdateMap

__all__ = ["LayeredMap", "UpdateMap", "deker", "deq_ntk", "nngp", "normalised", "ntk"]
