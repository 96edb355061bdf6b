# Generated from derivations/equivalents/activations.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian moments of -relu(-z)/100 + relu(z), of variance kxx."""

import numpy as np

from dekderive.equivalents.activation import Activation
from dekderive.kernels import special

SPEC = "43b9d6e6ff686192"


def activation(z):
    return special.relu(z) - special.relu(-z) / 100.0


def mean(kxx):
    scale_x = np.sqrt(kxx)
    return 0.3949528575974183 * scale_x


def slope_mean(kxx):
    return 0.505


def curvature_mean(kxx):
    scale_x = np.sqrt(kxx)
    return 0.3949528575974183 / scale_x


def second(kxx):
    return 10001.0 * kxx / 20000.0


def second_slope(kxx):
    return 0.50005


def slope_second(kxx):
    return 0.50005


def dual(kxx, kyy, kxy):
    return (
        9801.0 * kxy * special.arcsine(kxx, kyy, kxy) / (20000.0 * np.pi)
        + 10201.0 * kxy / 40000.0
        + 9801.0 * special.rootgap(kxx, kyy, kxy) / (20000.0 * np.pi)
    )


def slope_dual(kxx, kyy, kxy):
    return 9801.0 * special.arcsine(kxx, kyy, kxy) / (20000.0 * np.pi) + 0.255025


ACTIVATION = Activation(
    name="leaky_relu",
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
