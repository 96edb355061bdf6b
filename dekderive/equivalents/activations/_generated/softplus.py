# Generated from derivations/equivalents/activations.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian moments of softplus(z), of variance kxx."""

import numpy as np

from dekderive.equivalents.activation import Activation
from dekderive.kernels import hermite, special

SPEC = "b66ed5cd75d9d694"


@hermite.analytic(2.945243112737752, 15.789965322567756, 1.0000000000009095, 1.0, terms=(("softplus", 1.0, 1.0),))
def activation(z):
    return special.softplus(z)


@hermite.analytic(3.999999999996362, 1.0000000000009095)
def function_0(z):
    return np.full_like(z, 1.0)


@hermite.analytic(2.945243112737752, 5.125830895487672, terms=(("expit", 1.0, 1.0),))
def function_1(z):
    return special.expit(z)


def mean(kxx):
    expectation_0 = hermite.mean(function_0, activation, kxx)
    return expectation_0


def slope_mean(kxx):
    return 0.5


def curvature_mean(kxx):
    expectation_0 = hermite.mean_derivative(function_0, activation, kxx)
    return 2.0 * expectation_0


def second(kxx):
    expectation_0 = hermite.mean(activation, activation, kxx)
    return expectation_0


def second_slope(kxx):
    expectation_0 = hermite.mean_derivative(activation, activation, kxx)
    return expectation_0


def slope_second(kxx):
    expectation_0 = hermite.mean(function_1, function_1, kxx)
    return expectation_0


def dual(kxx, kyy, kxy):
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    return expectation_0


def slope_dual(kxx, kyy, kxy):
    expectation_0 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    return expectation_0


ACTIVATION = Activation(
    name="softplus",
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
