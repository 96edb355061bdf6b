"""Explicit networks that have, in high dimension, the kernel of a deep equilibrium model."""

from dekderive.design.design import design_explicit
from dekderive.design.network import ExplicitNetwork
from dekderive.design.sphere import sphere_series
from dekderive.design.units import Unit

__all__ = ["ExplicitNetwork", "Unit", "design_explicit", "sphere_series"]
