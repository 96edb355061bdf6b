# Generated from derivations/equivalents/activations.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian moments of relu(z), of variance kxx."""

import numpy as np

from dekderive.equivalents.activation import Activation
from dekderive.kernels import special

SPEC = "a17daa994bcd2346"


def activation(z):
    return special.relu(z)


def mean(kxx):
    scale_x = np.sqrt(kxx)
    return 0.3989422804014327 * scale_x


def slope_mean(kxx):
    return 0.5


def curvature_mean(kxx):
    scale_x = np.sqrt(kxx)
    return 0.3989422804014327 / scale_x


def second(kxx):
    return 0.5 * kxx


def second_slope(kxx):
    return 0.5


def slope_second(kxx):
    return 0.5


def dual(kxx, kyy, kxy):
    return (
        kxy * special.arcsine(kxx, kyy, kxy) / (2.0 * np.pi)
        + 0.25 * kxy
        + special.rootgap(kxx, kyy, kxy) / (2.0 * np.pi)
    )


def slope_dual(kxx, kyy, kxy):
    return special.arcsine(kxx, kyy, kxy) / (2.0 * np.pi) + 0.25


ACTIVATION = Activation(
    name="relu",
    function=activation,
    mean=mean,
    slope_mean=slope_mean,
    curvature_mean=curvature_mean,
    second=second,
    second_slope=second_slope,
    slope_second=slope_second,
    dual=dual,
    slope_dual=slope_dual,
    lipschitz=1.0,
    spec=SPEC,
)
