# Generated from derivations/deq_ntk_tanh.py by `python -m codegen update`; edit that file, not this one.
"""Tangent kernel of the deep equilibrium model with activation sqrt(7838035304529092130122)*tanh(z)/55592212909.

activation(z) = sqrt(7838035304529092130122)*tanh(z)/55592212909
activation_slope(z) = sqrt(7838035304529092130122)*(1 - tanh(z)**2)/55592212909

Sources: Feng and Kolter, On the neural tangent kernel of equilibrium models, arXiv:2310.14062, Theorem 2; Price, A
useful theorem for nonlinear devices having Gaussian inputs, IRE Trans. Inf. Theory 4 (1958) 69-72.
"""

import numpy as np

from dekderive.kernels import hermite
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter
from dekderive.kernels.layered import Expectation

SPEC = "8eea3a6de2952a7d"


@hermite.analytic(1.472621556368876, 16.16930377110357, terms=(("constant", 0.0, -1.5925374197228315), ("expit", 2.0, 3.185074839445663)))
def activation(z):
    return 1.5925374197228315 * np.tanh(z)


@hermite.analytic(1.472621556368876, 3366.0244042951313)
def activation_curvature(z):
    shared_0 = np.tanh(z)
    return -1.5925374197228315 * shared_0 * (2.0 - 2.0 * shared_0 * shared_0)


@hermite.analytic(1.472621556368876, 165.76223365674525, terms=(("expit_slope", 2.0, 6.370149678891326),))
def activation_slope(z):
    return 1.5925374197228315 * (1.0 - np.tanh(z) ** 2)


def diagonal_step(kxx, cxx, weight_variance, input_variance, bias_variance):
    expectation_0 = hermite.mean(activation, activation, kxx)
    return bias_variance + cxx * input_variance + expectation_0 * weight_variance


def diagonal_step_derivative(kxx, weight_variance):
    expectation_0 = hermite.mean_derivative(activation, activation, kxx)
    return expectation_0 * weight_variance


def step(kxx, kyy, kxy, cxy, weight_variance, input_variance, bias_variance):
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    return bias_variance + cxy * input_variance + expectation_0 * weight_variance


def step_derivative(kxx, kyy, kxy, weight_variance):
    expectation_0 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    return expectation_0 * weight_variance


def residual(correlation, kxx, kyy, cxy, weight_variance, input_variance, bias_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    return (
        correlation
        - (bias_variance + cxy * input_variance + expectation_0 * weight_variance) / (scale_x * scale_y)
    )


def residual_derivative(correlation, kxx, kyy, weight_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    return 1.0 - expectation_0 * weight_variance


def readout(correlation, kxx, kyy, weight_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(activation_slope, activation_slope, kxx, kyy, kxy)
    return kxy / (1.0 - expectation_0 * weight_variance)


def readout_diagonal(kxx, weight_variance):
    expectation_0 = hermite.mean(activation_slope, activation_slope, kxx)
    return kxx / (1.0 - expectation_0 * weight_variance)


def diagonal_step_gradient(kxx, cxx):
    expectation_0 = hermite.mean(activation, activation, kxx)
    return (
        expectation_0,
        cxx,
        1.0,
    )


def residual_gradient(correlation, kxx, kyy, cxy, weight_variance, input_variance, bias_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    expectation_1 = hermite.dual_kxx(activation, activation, kxx, kyy, kxy)
    expectation_2 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    expectation_3 = hermite.dual_kyy(activation, activation, kxx, kyy, kxy)
    shared_0 = 1.0 / scale_y
    shared_1 = bias_variance + cxy * input_variance + expectation_0 * weight_variance
    shared_2 = 1.0 / scale_x
    shared_3 = 0.5 * correlation * expectation_2
    shared_4 = shared_0 * shared_2
    shared_5 = shared_4 * weight_variance
    return (
        0.5 * shared_0 * shared_1 / scale_x ** 3 - shared_5 * (expectation_1 + scale_y * shared_2 * shared_3),
        0.5 * shared_1 * shared_2 / scale_y ** 3 - shared_5 * (expectation_3 + scale_x * shared_0 * shared_3),
        -expectation_0 * shared_4,
        -cxy * shared_4,
        -shared_4,
    )


def readout_gradient(correlation, kxx, kyy, weight_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(activation_slope, activation_slope, kxx, kyy, kxy)
    expectation_1 = hermite.dual_kxx(activation_slope, activation_slope, kxx, kyy, kxy)
    expectation_2 = hermite.dual_kxy(activation_slope, activation_slope, kxx, kyy, kxy)
    expectation_3 = hermite.dual_kyy(activation_slope, activation_slope, kxx, kyy, kxy)
    shared_0 = 1.0 - expectation_0 * weight_variance
    shared_1 = 1.0 / shared_0
    shared_2 = scale_y * shared_1
    shared_3 = 1.0 / (shared_0 * shared_0)
    shared_4 = 0.5 * correlation
    shared_5 = shared_4 / scale_x
    shared_6 = kxy * shared_3
    shared_7 = shared_6 * weight_variance
    shared_8 = scale_x * shared_4 / scale_y
    return (
        correlation * expectation_2 * kxx * kyy * shared_3 * weight_variance + scale_x * shared_2,
        shared_2 * shared_5 + shared_7 * (expectation_1 + expectation_2 * scale_y * shared_5),
        shared_1 * shared_8 + shared_7 * (expectation_2 * shared_8 + expectation_3),
        expectation_0 * shared_6,
        0.0,
        0.0,
    )


def readout_diagonal_gradient(kxx, weight_variance):
    expectation_0 = hermite.mean(activation_slope, activation_slope, kxx)
    expectation_1 = hermite.mean_derivative(activation_slope, activation_slope, kxx)
    shared_0 = 1.0 - expectation_0 * weight_variance
    shared_1 = kxx / (shared_0 * shared_0)
    return (
        expectation_1 * shared_1 * weight_variance + 1.0 / shared_0,
        expectation_0 * shared_1,
        0.0,
        0.0,
    )


def modulus(kxx, kyy, weight_variance):
    expectation_0 = hermite.mean(activation_slope, activation_slope, kxx)
    expectation_1 = hermite.mean(activation_slope, activation_slope, kyy)
    return np.sqrt(expectation_0) * np.sqrt(expectation_1) * weight_variance


def activation_mean(kxx):
    expectation_0 = hermite.mean(activation, activation, kxx)
    return expectation_0


def activation_mean_gradient(kxx):
    expectation_0 = hermite.mean_derivative(activation, activation, kxx)
    return (
        expectation_0,
    )


def activation_value(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    kxy = cosine * scale_x * scale_y
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    return expectation_0


def activation_value_gradient(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    kxy = cosine * scale_x * scale_y
    expectation_0 = hermite.dual_kxx(activation, activation, kxx, kyy, kxy)
    expectation_1 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    expectation_2 = hermite.dual_kyy(activation, activation, kxx, kyy, kxy)
    shared_0 = 0.5 * cosine * expectation_1
    return (
        expectation_0 + scale_y * shared_0 / scale_x,
        expectation_2 + scale_x * shared_0 / scale_y,
    )


def activation_price(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    kxy = cosine * scale_x * scale_y
    expectation_0 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    return expectation_0


def slope_mean(kxx):
    expectation_0 = hermite.mean(activation_slope, activation_slope, kxx)
    return expectation_0


def slope_mean_gradient(kxx):
    expectation_0 = hermite.mean_derivative(activation_slope, activation_slope, kxx)
    return (
        expectation_0,
    )


def slope_value(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    kxy = cosine * scale_x * scale_y
    expectation_0 = hermite.dual(activation_slope, activation_slope, kxx, kyy, kxy)
    return expectation_0


def slope_value_gradient(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    kxy = cosine * scale_x * scale_y
    expectation_0 = hermite.dual_kxx(activation_slope, activation_slope, kxx, kyy, kxy)
    expectation_1 = hermite.dual_kxy(activation_slope, activation_slope, kxx, kyy, kxy)
    expectation_2 = hermite.dual_kyy(activation_slope, activation_slope, kxx, kyy, kxy)
    shared_0 = 0.5 * cosine * expectation_1
    return (
        expectation_0 + scale_y * shared_0 / scale_x,
        expectation_2 + scale_x * shared_0 / scale_y,
    )


def slope_price(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    kxy = cosine * scale_x * scale_y
    expectation_0 = hermite.dual_kxy(activation_slope, activation_slope, kxx, kyy, kxy)
    return expectation_0


KERNEL = Kernel(
    name="deq_ntk_tanh",
    summary="tangent kernel of the deep equilibrium model with activation sqrt(7838035304529092130122)*tanh(z)/55592212909",
    model="deq_ntk",
    parameters=(
        Parameter("weight_variance", 0.0, 1.0, 0.6, "variance of the recurrent weights", lower_closed=True),
        Parameter("input_variance", 0.0, float("inf"), 0.4, "variance of the input weights", lower_closed=True),
        Parameter("bias_variance", 0.0, float("inf"), 0.0, "variance of the biases", lower_closed=True),
    ),
    input_names=("cxx",),
    pair_names=("cxy",),
    moments="linear",
    chart=Chart.CORRELATION,
    diagonal_step=Formula(diagonal_step, ("kxx", "cxx", "weight_variance", "input_variance", "bias_variance")),
    diagonal_step_derivative=Formula(diagonal_step_derivative, ("kxx", "weight_variance")),
    diagonal_fixed_point=None,
    step=Formula(step, ("kxx", "kyy", "kxy", "cxy", "weight_variance", "input_variance", "bias_variance")),
    step_derivative=Formula(step_derivative, ("kxx", "kyy", "kxy", "weight_variance")),
    residual=Formula(residual, ("correlation", "kxx", "kyy", "cxy", "weight_variance", "input_variance", "bias_variance")),
    residual_derivative=Formula(residual_derivative, ("correlation", "kxx", "kyy", "weight_variance")),
    start=None,
    readout=Formula(readout, ("correlation", "kxx", "kyy", "weight_variance")),
    readout_diagonal=Formula(readout_diagonal, ("kxx", "weight_variance")),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx")),
    residual_gradient=Formula(residual_gradient, ("correlation", "kxx", "kyy", "cxy", "weight_variance", "input_variance", "bias_variance")),
    readout_gradient=Formula(readout_gradient, ("correlation", "kxx", "kyy", "weight_variance")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ("kxx", "weight_variance")),
    claim=Claim.CONTRACTION,
    modulus=Formula(modulus, ("kxx", "kyy", "weight_variance")),
    spec=SPEC,
    sources=(
        "Feng and Kolter, On the neural tangent kernel of equilibrium models, arXiv:2310.14062, Theorem 2",
        "Price, A useful theorem for nonlinear devices having Gaussian inputs, IRE Trans. Inf. Theory 4 (1958) 69-72",
    ),
    activation=Expectation(
        mean=Formula(activation_mean, ("kxx",)),
        mean_gradient=Formula(activation_mean_gradient, ("kxx",)),
        value=Formula(activation_value, ("angle", "kxx", "kyy")),
        value_gradient=Formula(activation_value_gradient, ("angle", "kxx", "kyy")),
        price=Formula(activation_price, ("angle", "kxx", "kyy")),
        loss=None,
        degree=None,
        function=Formula(activation, ("z",)),
        derivative=Formula(activation_slope, ("z",)),
        closed=False,
        odd=True,
    ),
    slope=Expectation(
        mean=Formula(slope_mean, ("kxx",)),
        mean_gradient=Formula(slope_mean_gradient, ("kxx",)),
        value=Formula(slope_value, ("angle", "kxx", "kyy")),
        value_gradient=Formula(slope_value_gradient, ("angle", "kxx", "kyy")),
        price=Formula(slope_price, ("angle", "kxx", "kyy")),
        loss=None,
        degree=None,
        function=Formula(activation_slope, ("z",)),
        derivative=Formula(activation_curvature, ("z",)),
        closed=False,
    ),
    read="preactivation",
)
