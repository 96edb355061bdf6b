# Generated from derivations/equivalents/activations.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian moments of erf(z), of variance kxx."""

import numpy as np

from dekderive.equivalents.activation import Activation
from dekderive.kernels import hermite, special

SPEC = "721997e18bb99813"


@hermite.analytic(3.999999999996362, 40107609.95143386)
def activation(z):
    return special.erf(z)


def mean(kxx):
    return 0.0


def slope_mean(kxx):
    return 1.1283791670955126 / np.sqrt(2.0 * kxx + 1.0)


def curvature_mean(kxx):
    return 0.0


def second(kxx):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    return 2.0 * special.arcsine(shared_1, shared_1, shared_0) / np.pi


def second_slope(kxx):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    shared_2 = 1.0 / special.rootgap(shared_1, shared_1, shared_0)
    return 2.0 * (2.0 * shared_2 - 8.0 * kxx * shared_2 / (4.0 * kxx + 2.0)) / np.pi


def slope_second(kxx):
    return 4.0 / (np.pi * np.sqrt(4.0 * kxx + 1.0))


def dual(kxx, kyy, kxy):
    return 2.0 * special.noisy_arcsine(kxx, kyy, kxy, 0.5, 0.5) / np.pi


def slope_dual(kxx, kyy, kxy):
    return 2.0 / (np.pi * special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5))


ACTIVATION = Activation(
    name="erf",
    function=activation,
    mean=mean,
    slope_mean=slope_mean,
    curvature_mean=curvature_mean,
    second=second,
    second_slope=second_slope,
    slope_second=slope_second,
    dual=dual,
    slope_dual=slope_dual,
    lipschitz=1.1296,
    spec=SPEC,
)
