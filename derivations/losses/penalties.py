"""Penalties Q = -log q of log-concave prior factors: Gaussian, logistic, and pseudo-Huber (Tsuchida et al., eq. 4)."""

import sympy as sp

from dekderive.atoms import softplus
from dekderive.parameters import parameter
from dekderive.symbols import eta
from dekderive.update_maps import penalty

strength = parameter("strength", nonnegative=True)
width = parameter("width", positive=True)

penalties = (
    penalty(strength * eta**2 / 2, name="gaussian_penalty", curvature_bound=strength, parameters=(strength,)),
    # minus the logarithm of the logistic density e^eta / (1 + e^eta)^2
    penalty(
        strength * (2 * softplus(eta) - eta),
        name="logistic_penalty",
        curvature_bound=strength / 2,
        parameters=(strength,),
    ),
    penalty(
        strength * width**2 * (sp.sqrt(1 + (eta / width) ** 2) - 1),
        name="pseudo_huber_penalty",
        curvature=strength * (1 + (eta / width) ** 2) ** sp.Rational(-3, 2),
        curvature_bound=strength,
        parameters=(strength, width),
    ),
)
