# Generated from derivations/equivalents/activations.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian moments of tanh(z), of variance kxx."""

import numpy as np

from dekderive.equivalents.activation import Activation
from dekderive.kernels import hermite

SPEC = "3859d3a8c1d90c83"


@hermite.analytic(1.472621556368876, 10.153170387618088, terms=(("constant", 0.0, -1.0), ("expit", 2.0, 2.0)))
def activation(z):
    return np.tanh(z)


@hermite.analytic(3.999999999996362, 1.0000000000009095)
def function_0(z):
    return np.full_like(z, 1.0)


@hermite.analytic(1.472621556368876, 104.08686891991202, terms=(("expit_slope", 2.0, 4.0),))
def function_1(z):
    return 1.0 - np.tanh(z) ** 2


def mean(kxx):
    return 0.0


def slope_mean(kxx):
    expectation_0 = hermite.mean(function_0, function_1, kxx)
    return expectation_0


def curvature_mean(kxx):
    return 0.0


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
    name="tanh",
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
