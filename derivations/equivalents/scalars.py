"""The scalars of the equivalents of implicit and explicit kernels, from Mehler's series to second order.

The implicit network has G = E[phi(u) phi(v)] at the covariance w G + u S; the explicit one applies a layer to the
covariance before it.  What is derived is compared with the compact form of the equations, in which D = 1 - w m1^2 and
theta = w m1^2/D: b1 = a1 (1 + theta), b2 = a2 (1 + theta), b3 = a3 (1 + 3 theta), f1 = a1 (2 + theta),
f2 = a2 (1 + theta), f3 = 3 a3 (1 + theta).
"""

import sympy as sp

from dekderive.duals.proof import decide_zero
from dekderive.update_maps.high_dimension import MOMENTS, SETTING, STATE, implicit_scalars, layer_scalars
from dekderive.verdict import Check

implicit, layer = implicit_scalars(), layer_scalars()

theta = SETTING[0] * MOMENTS[0] ** 2 / (1 - SETTING[0] * MOMENTS[0] ** 2)
_compact = {
    "b1": implicit["a1"] * (1 + theta),
    "b2": implicit["a2"] * (1 + theta),
    "b3": implicit["a3"] * (1 + 3 * theta),
    "f1": implicit["a1"] * (2 + theta),
    "f2": implicit["a2"] * (1 + theta),
    "f3": 3 * implicit["a3"] * (1 + theta),
}
checks = tuple(
    Check(name, f"{name} in its compact form", *decide_zero(sp.cancel(implicit[name] - value)))
    for name, value in _compact.items()
)
groups = {"implicit": ((*SETTING, *MOMENTS), implicit), "layer": ((*STATE, *MOMENTS), layer)}
