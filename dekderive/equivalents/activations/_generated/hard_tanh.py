# Generated from derivations/equivalents/activations.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian moments of z + relu(-z - 1) - relu(z - 1), of variance kxx."""

import numpy as np

from dekderive.equivalents.activation import Activation
from dekderive.kernels import hermite, special

SPEC = "d022bc0def620b94"


@hermite.piecewise(-1.0, 1.0)
def activation(z):
    return z + special.relu(-z - 1.0) - special.relu(z - 1.0)


def mean(kxx):
    return 0.0


def slope_mean(kxx):
    scale_x = np.sqrt(kxx)
    return 1.0 - 2.0 * special.ndtr(-1.0 / scale_x)


def curvature_mean(kxx):
    return 0.0


def second(kxx):
    scale_x = np.sqrt(kxx)
    return (
        kxx
        + (2.0 - 2.0 * kxx) * special.ndtr(-1.0 / scale_x)
        - 0.7978845608028654 * scale_x * np.exp(-0.5 / kxx)
    )


def second_slope(kxx):
    scale_x = np.sqrt(kxx)
    shared_0 = 1.0 / scale_x
    shared_1 = 1.0 / scale_x ** 3
    shared_2 = np.exp(-0.5 / kxx)
    shared_3 = 0.3989422804014327 * shared_2
    return (
        0.19947114020071635 * shared_1 * shared_2 * (2.0 - 2.0 * kxx)
        + 1.0
        - shared_0 * shared_3
        - shared_1 * shared_3
        - 2.0 * special.ndtr(-shared_0)
    )


def slope_second(kxx):
    scale_x = np.sqrt(kxx)
    return 1.0 - 2.0 * special.ndtr(-1.0 / scale_x)


def dual(kxx, kyy, kxy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    shared_0 = 2.0 * kxy
    shared_1 = -kxy
    shared_2 = special.rootgap(kxx, kyy, kxy) / np.pi
    shared_3 = -0.5 / kxx
    shared_4 = 0.7978845608028654 * scale_x
    shared_5 = -0.5 / kyy
    shared_6 = 0.7978845608028654 * scale_y
    return (
        shared_0 * special.binormal_excess(1.0, 1.0, kxx, kyy, kxy)
        + shared_0 * special.binormal_excess(1.0, 1.0, kxx, kyy, shared_1)
        + shared_2 * np.exp(-0.5 * special.squared_distance(1.0, 1.0, kxx, kyy, kxy))
        + shared_4 * special.exp_ndtr(shared_3, -special.conditional_margin(-1.0, 1.0, kxx, kyy, kxy))
        + shared_6 * special.exp_ndtr(shared_5, -special.conditional_margin(-1.0, 1.0, kyy, kxx, kxy))
        + 2.0 * special.binormal(-1.0, -1.0, kxx, kyy, kxy)
        - shared_2 * np.exp(-0.5 * special.squared_distance(1.0, -1.0, kxx, kyy, kxy))
        - shared_4 * special.exp_ndtr(shared_3, -special.conditional_margin(1.0, 1.0, kxx, kyy, kxy))
        - shared_6 * special.exp_ndtr(shared_5, -special.conditional_margin(1.0, 1.0, kyy, kxx, kxy))
        - 2.0 * special.binormal(-1.0, -1.0, kxx, kyy, shared_1)
    )


def slope_dual(kxx, kyy, kxy):
    return (
        2.0 * special.binormal_excess(1.0, 1.0, kxx, kyy, -kxy)
        + 2.0 * special.binormal_excess(1.0, 1.0, kxx, kyy, kxy)
    )


ACTIVATION = Activation(
    name="hard_tanh",
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
