"""The canonical symbols, with their assumptions.

SymPy tells symbols apart by name *and* assumptions: ``Symbol("eta") != Symbol("eta", real=True)``, and the two print
alike.  Every record therefore uses the symbols below, and rejects a stranger that only shares a name with one of them.
"""

import sympy as sp

__all__ = [
    "BY_NAME",
    "angle",
    "bias_variance",
    "correlation",
    "cxx",
    "cxy",
    "cyy",
    "eta",
    "gap",
    "input_variance",
    "kxx",
    "kxy",
    "kyy",
    "mean_x",
    "mean_y",
    "regularisation",
    "weight_variance",
    "y",
    "z",
]

eta = sp.Symbol("eta", real=True)  # natural parameter
z = sp.Symbol("z", real=True)  # pre-activation
y = sp.Symbol("y", real=True)  # an observed datum

# State of a pairwise kernel recursion: the covariance of (u, v).
kxx = sp.Symbol("kxx", positive=True)
kyy = sp.Symbol("kyy", positive=True)
kxy = sp.Symbol("kxy", real=True)
# Charts of the off-diagonal entry: kxy = sqrt(kxx kyy) correlation,  correlation = cos(angle).
correlation = sp.Symbol("correlation", real=True)
angle = sp.Symbol("angle", nonnegative=True)

# What the inputs contribute: second moments c(x, x'), means mu(x), and the relative gap 1 - cxy / sqrt(cxx cyy).
cxx = sp.Symbol("cxx", nonnegative=True)
cyy = sp.Symbol("cyy", nonnegative=True)
cxy = sp.Symbol("cxy", real=True)
mean_x = sp.Symbol("mean_x", real=True)
mean_y = sp.Symbol("mean_y", real=True)
gap = sp.Symbol("gap", nonnegative=True)

# Parameters of the shipped update maps.
regularisation = sp.Symbol("regularisation", positive=True)
weight_variance = sp.Symbol("weight_variance", nonnegative=True)
input_variance = sp.Symbol("input_variance", nonnegative=True)
bias_variance = sp.Symbol("bias_variance", nonnegative=True)

BY_NAME: dict[str, sp.Symbol] = {
    s.name: s
    for s in (
        eta,
        z,
        y,
        kxx,
        kyy,
        kxy,
        correlation,
        angle,
        cxx,
        cyy,
        cxy,
        mean_x,
        mean_y,
        gap,
        regularisation,
        weight_variance,
        input_variance,
        bias_variance,
    )
}
