"""Conjugate kernel of the implicit network with centred ReLU (after Ling et al.).

The activation is relu(z) - b with b = tau / sqrt(2 pi), tau^2 = sigma_b^2 tau_0^2/(1 - sigma_a^2 (1/2 - 1/(2 pi))):
the variance of relu at equilibrium is linear in tau^2, so that b is a closed form.  The equation for the angle is that
of an uncentred rectifier, with the gap of the injected inputs on the right; the slope of its step is at most
sigma_a^2/2.
"""

from dekderive.atoms import relu
from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.symbols import z
from dekderive.update_maps import implicit_ck

derivation = Derivation(
    implicit_ck(relu(z), name="implicit_ck_relu"),
    sources=(cite("ling2024deq"), cite("cho2009kernel")),
)
