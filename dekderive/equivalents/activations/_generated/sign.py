# Generated from derivations/equivalents/activations.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian moments of sign(z), of variance kxx."""

import numpy as np

from dekderive.equivalents.activation import Activation
from dekderive.kernels import special

SPEC = "239cbffd35cdf7ff"


def activation(z):
    return np.sign(z)


def mean(kxx):
    return 0.0


def slope_mean(kxx):
    scale_x = np.sqrt(kxx)
    return 0.7978845608028654 / scale_x


def curvature_mean(kxx):
    return 0.0


def second(kxx):
    return 1.0


def second_slope(kxx):
    return 0.0


def slope_second(kxx):
    return np.inf


def dual(kxx, kyy, kxy):
    return 2.0 * special.arcsine(kxx, kyy, kxy) / np.pi


def slope_dual(kxx, kyy, kxy):
    return 2.0 / (np.pi * special.rootgap(kxx, kyy, kxy))


ACTIVATION = Activation(
    name="sign",
    function=activation,
    mean=mean,
    slope_mean=slope_mean,
    curvature_mean=curvature_mean,
    second=second,
    second_slope=second_slope,
    slope_second=slope_second,
    dual=dual,
    slope_dual=slope_dual,
    lipschitz=np.inf,
    spec=SPEC,
)
