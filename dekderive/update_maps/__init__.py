"""Update maps: what one step of an infinitely deep model does to a covariance."""

from dekderive.update_maps.deker import deker
from dekderive.update_maps.deq_ntk import deq_ntk, normalised
from dekderive.update_maps.update_map import UpdateMap

__all__ = ["UpdateMap", "deker", "deq_ntk", "normalised"]
