# Generated from derivations/equivalents/activations.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian moments of (exp(z) - 1)*step(-z) + relu(z), of variance kxx."""

import numpy as np

from dekderive.equivalents.activation import Activation
from dekderive.kernels import hermite, special

SPEC = "9f3fb38db537ae61"


def activation_0(z):
    return np.expm1(z)


def activation_1(z):
    return z


def activation(z):
    return np.select(
        [z < 0.0],
        [activation_0(np.minimum(z, 0.0))],
        activation_1(np.maximum(z, 0.0)),
    )


def mean(kxx):
    scale_x = np.sqrt(kxx)
    return 0.3989422804014327 * scale_x + special.exp_ndtr(0.5 * kxx, -scale_x) - 0.5


def slope_mean(kxx):
    scale_x = np.sqrt(kxx)
    return special.exp_ndtr(0.5 * kxx, -scale_x) + 0.5


def curvature_mean(kxx):
    scale_x = np.sqrt(kxx)
    return special.exp_ndtr(0.5 * kxx, -scale_x)


def second(kxx):
    scale_x = np.sqrt(kxx)
    shared_0 = 0.5 * kxx
    return shared_0 + special.exp_ndtr(2.0 * kxx, -2.0 * scale_x) + 0.5 - 2.0 * special.exp_ndtr(shared_0, -scale_x)


def second_slope(kxx):
    scale_x = np.sqrt(kxx)
    return 2.0 * special.exp_ndtr(2.0 * kxx, -2.0 * scale_x) + 0.5 - special.exp_ndtr(0.5 * kxx, -scale_x)


def slope_second(kxx):
    scale_x = np.sqrt(kxx)
    return special.exp_ndtr(2.0 * kxx, -2.0 * scale_x) + 0.5


def dual(kxx, kyy, kxy):
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    return expectation_0


def slope_dual(kxx, kyy, kxy):
    expectation_0 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    return expectation_0


ACTIVATION = Activation(
    name="elu",
    function=activation,
    mean=mean,
    slope_mean=slope_mean,
    curvature_mean=curvature_mean,
    second=second,
    second_slope=second_slope,
    slope_second=slope_second,
    dual=dual,
    slope_dual=slope_dual,
    lipschitz=1.001,
    spec=SPEC,
)
