# Generated from derivations/equivalents/activations.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian moments of z*ndtr(z), of variance kxx."""

import numpy as np

from dekderive.equivalents.activation import Activation
from dekderive.kernels import hermite, special

SPEC = "5643d7dc21aded7a"


@hermite.analytic(3.999999999996362, 19031.682834117975, 4757.920708529494, 1.0)
def activation(z):
    return z * special.ndtr(z)


def mean(kxx):
    return 0.3989422804014327 * kxx / np.sqrt(kxx + 1.0)


def slope_mean(kxx):
    return 0.5


def curvature_mean(kxx):
    shared_0 = kxx + 1.0
    return 0.7978845608028654 / np.sqrt(shared_0) - 0.3989422804014327 * kxx / (shared_0 * np.sqrt(shared_0))


def second(kxx):
    shared_0 = kxx + 1.0
    return (
        kxx * kxx / (np.pi * shared_0 * np.sqrt(2.0 * kxx + 1.0))
        + kxx * special.arcsine(shared_0, shared_0, kxx) / (2.0 * np.pi)
        + 0.25 * kxx
    )


def second_slope(kxx):
    shared_0 = kxx + 1.0
    shared_1 = 1.0 / shared_0
    shared_2 = 2.0 * kxx
    shared_3 = shared_2 + 1.0
    shared_4 = 1.0 / np.sqrt(shared_3)
    shared_5 = kxx * kxx / np.pi
    shared_6 = 1.0 / special.rootgap(shared_0, shared_0, kxx)
    return (
        2.0 * kxx * shared_1 * shared_4 / np.pi
        + kxx * (shared_6 - shared_2 * shared_6 / (shared_2 + 2.0)) / (2.0 * np.pi)
        + special.arcsine(shared_0, shared_0, kxx) / (2.0 * np.pi)
        + 0.25
        - shared_1 * shared_5 / (shared_3 * np.sqrt(shared_3))
        - shared_4 * shared_5 / (shared_0 * shared_0)
    )


def slope_second(kxx):
    shared_0 = kxx + 1.0
    return (
        kxx * (5.0 * kxx + 3.0) / ((2.0 * np.pi) * shared_0 * ((2.0 * kxx + 1.0) * np.sqrt(2.0 * kxx + 1.0)))
        + special.arcsine(shared_0, shared_0, kxx) / (2.0 * np.pi)
        + 0.25
    )


def dual(kxx, kyy, kxy):
    shared_0 = special.noisy_rootgap(kxx, kyy, kxy, 1.0, 1.0)
    shared_1 = 1.0 / ((2.0 * np.pi) * (kxx + 1.0) * (kyy + 1.0))
    return (
        kxx * kyy * shared_0 * shared_1
        + kxy * kxy * shared_1 / shared_0
        + kxy * special.noisy_arcsine(kxx, kyy, kxy, 1.0, 1.0) / (2.0 * np.pi)
        + 0.25 * kxy
    )


def slope_dual(kxx, kyy, kxy):
    shared_0 = special.rootgap(kxx, kyy, kxy) ** 2
    return (
        kxy * (kxx * kxx + 3.0 * kxx * kyy + kxx * shared_0 + 4.0 * kxx + kyy * kyy + kyy * shared_0 + 4.0 * kyy +
            2.0 * shared_0 + 3.0) / ((2.0 * np.pi) * (kxx + 1.0) * (kyy + 1.0) * special.noisy_rootgap(kxx, kyy, kxy,
            1.0, 1.0) ** 3)
        + special.noisy_arcsine(kxx, kyy, kxy, 1.0, 1.0) / (2.0 * np.pi)
        + 0.25
    )


ACTIVATION = Activation(
    name="gelu",
    function=activation,
    mean=mean,
    slope_mean=slope_mean,
    curvature_mean=curvature_mean,
    second=second,
    second_slope=second_slope,
    slope_second=slope_second,
    dual=dual,
    slope_dual=slope_dual,
    lipschitz=1.13,
    spec=SPEC,
)
