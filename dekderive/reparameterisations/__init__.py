"""Natural maps: the way from a family to the activation and the slope of a layer, and back."""

from dekderive.reparameterisations.activation_first import admissible_constants, from_activation
from dekderive.reparameterisations.antiderivative import antiderivative
from dekderive.reparameterisations.reparameterisation import Reparameterisation

__all__ = ["Reparameterisation", "admissible_constants", "antiderivative", "from_activation"]
