"""Natural maps: the way from a family to the activation and the slope of a layer, and back."""

from dekderive.reparameterisations.reparameterisation import Reparameterisation

__all__ = ["Reparameterisation"]
