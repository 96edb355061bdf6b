"""Functions that SymPy lacks, or that it would expand into a form which loses digits.

An atom is a name with three facts: its *definition* in elementary functions (which ball arithmetic and mpmath evaluate
at high precision), its derivative *in atoms*, and the accurate NumPy function of the same name in
``dekderive.kernels.special`` that generated code calls.  Families and activations are written with atoms, because a
pattern such as ``log(1 + exp(x))`` cannot be recognised reliably once SymPy has rearranged it.
"""

from dekderive.atoms.activations import elu, gelu, leaky_relu, silu
from dekderive.atoms.atom import Atom
from dekderive.atoms.bessel import bessel_ratio, bessel_ratio_slope, log_i0
from dekderive.atoms.covariance import arcsine, rootgap, sin_minus_xcos, versine
from dekderive.atoms.gaussian_pair import (
    binormal,
    damped_cosh,
    damped_sinh,
    exp_binormal,
    exp_ndtr,
    noisy_arcsine,
    noisy_rootgap,
)
from dekderive.atoms.hyperbolic import langevin, langevin_slope, log_cosh, log_sinhc
from dekderive.atoms.logarithmic import (
    log1mexp,
    log_exprel,
    log_softplus,
    log_softplus_slope,
    tilted_uniform_mean,
    truncated_normal_log_partition,
)
from dekderive.atoms.normal import (
    dawson,
    inverse_mills,
    log_ndtr,
    ndtr,
    truncated_normal_mean,
    truncated_normal_variance,
)
from dekderive.atoms.rectified import expit, relu, softplus, step

__all__ = [
    "ATOMS",
    "Atom",
    "arcsine",
    "bessel_ratio",
    "bessel_ratio_slope",
    "binormal",
    "damped_cosh",
    "damped_sinh",
    "dawson",
    "elu",
    "exp_binormal",
    "exp_ndtr",
    "expit",
    "gelu",
    "inverse_mills",
    "langevin",
    "langevin_slope",
    "leaky_relu",
    "log1mexp",
    "log_cosh",
    "log_exprel",
    "log_i0",
    "log_ndtr",
    "log_sinhc",
    "log_softplus",
    "log_softplus_slope",
    "ndtr",
    "noisy_arcsine",
    "noisy_rootgap",
    "relu",
    "rootgap",
    "silu",
    "sin_minus_xcos",
    "softplus",
    "step",
    "tilted_uniform_mean",
    "truncated_normal_log_partition",
    "truncated_normal_mean",
    "truncated_normal_variance",
    "versine",
]

ATOMS: tuple[type[Atom], ...] = (
    relu,
    step,
    softplus,
    expit,
    log_cosh,
    log_sinhc,
    langevin,
    langevin_slope,
    ndtr,
    log_ndtr,
    inverse_mills,
    truncated_normal_mean,
    truncated_normal_variance,
    log_i0,
    bessel_ratio,
    bessel_ratio_slope,
    dawson,
    versine,
    sin_minus_xcos,
    log1mexp,
    log_exprel,
    log_softplus,
    log_softplus_slope,
    tilted_uniform_mean,
    truncated_normal_log_partition,
    rootgap,
    arcsine,
    noisy_rootgap,
    noisy_arcsine,
    binormal,
    exp_binormal,
    exp_ndtr,
    damped_sinh,
    damped_cosh,
)
