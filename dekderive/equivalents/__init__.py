"""High-dimensional equivalents of conjugate and tangent kernels of implicit and explicit networks."""

from dekderive.equivalents.activation import Activation, numerical_activation
from dekderive.equivalents.activations import (
    elu,
    erf,
    gelu,
    hard_tanh,
    leaky_relu,
    relu,
    sign,
    softplus,
    swish,
    tanh,
)
from dekderive.equivalents.coefficients import (
    deq_coefficients,
    equilibrium,
    explicit_coefficients,
    gaussian_moments,
    solve_equilibrium,
)
from dekderive.equivalents.diagonals import exact_diagonal
from dekderive.equivalents.equivalent import EquivalentKernel, equivalent_kernel
from dekderive.equivalents.records import DeepEquilibrium, Equilibrium, GaussianMoments, KernelCoefficients
from dekderive.equivalents.statistics import MixtureStatistics, estimate_tau0

__all__ = [
    "Activation",
    "DeepEquilibrium",
    "Equilibrium",
    "EquivalentKernel",
    "GaussianMoments",
    "KernelCoefficients",
    "MixtureStatistics",
    "deq_coefficients",
    "elu",
    "equilibrium",
    "equivalent_kernel",
    "erf",
    "estimate_tau0",
    "exact_diagonal",
    "explicit_coefficients",
    "gaussian_moments",
    "gelu",
    "hard_tanh",
    "leaky_relu",
    "numerical_activation",
    "relu",
    "sign",
    "softplus",
    "solve_equilibrium",
    "swish",
    "tanh",
]
