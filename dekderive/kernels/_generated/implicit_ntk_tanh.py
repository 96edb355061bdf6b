# Generated from derivations/implicit_ntk_tanh.py by `python -m codegen update`; edit that file, not this one.
"""Tangent kernel of the implicit network with centred activation tanh(z), input weights frozen.

activation(z) = tanh(z)
activation_slope(z) = 1 - tanh(z)**2

Sources: Ling, Li, Feng, Zhang, Zhou, Qiu and Liao, Deep equilibrium models are almost equivalent to not-so-deep
explicit models for high-dimensional Gaussian mixtures, ICML 2024.
"""

import numpy as np

from dekderive.kernels import hermite
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter

SPEC = "4e3166c003c79eb1"


@hermite.analytic(1.472621556368876, 10.153170387618088, terms=(("constant", 0.0, -1.0), ("expit", 2.0, 2.0)))
def activation(z):
    return np.tanh(z)


@hermite.analytic(1.472621556368876, 104.08686891991202, terms=(("expit_slope", 2.0, 4.0),))
def activation_slope(z):
    return 1.0 - np.tanh(z) ** 2


def diagonal_step(kxx, cxx, weight_variance, input_variance):
    expectation_0 = hermite.mean(activation, activation, kxx)
    return cxx * input_variance + expectation_0 * weight_variance


def diagonal_step_derivative(kxx, weight_variance):
    expectation_0 = hermite.mean_derivative(activation, activation, kxx)
    return expectation_0 * weight_variance


def step(kxx, kyy, kxy, cxy, weight_variance, input_variance):
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    return cxy * input_variance + expectation_0 * weight_variance


def step_derivative(kxx, kyy, kxy, weight_variance):
    expectation_0 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    return expectation_0 * weight_variance


def residual(correlation, kxx, kyy, cxy, weight_variance, input_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    return correlation - (cxy * input_variance + expectation_0 * weight_variance) / (scale_x * scale_y)


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
    expectation_1 = hermite.dual(activation, activation, kxx, kyy, kxy)
    return expectation_1 / (1.0 - expectation_0 * weight_variance)


def readout_diagonal(kxx, weight_variance):
    expectation_0 = hermite.mean(activation_slope, activation_slope, kxx)
    expectation_1 = hermite.mean(activation, activation, kxx)
    return expectation_1 / (1.0 - expectation_0 * weight_variance)


def diagonal_step_gradient(kxx, cxx):
    expectation_0 = hermite.mean(activation, activation, kxx)
    return (
        expectation_0,
        cxx,
    )


def residual_gradient(correlation, kxx, kyy, cxy, weight_variance, input_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    expectation_1 = hermite.dual_kxx(activation, activation, kxx, kyy, kxy)
    expectation_2 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    expectation_3 = hermite.dual_kyy(activation, activation, kxx, kyy, kxy)
    shared_0 = 1.0 / scale_y
    shared_1 = cxy * input_variance + expectation_0 * weight_variance
    shared_2 = 1.0 / scale_x
    shared_3 = 0.5 * correlation * expectation_2
    shared_4 = shared_0 * shared_2
    shared_5 = shared_4 * weight_variance
    return (
        0.5 * shared_0 * shared_1 / scale_x ** 3 - shared_5 * (expectation_1 + scale_y * shared_2 * shared_3),
        0.5 * shared_1 * shared_2 / scale_y ** 3 - shared_5 * (expectation_3 + scale_x * shared_0 * shared_3),
        -expectation_0 * shared_4,
        -cxy * shared_4,
    )


def readout_gradient(correlation, kxx, kyy, weight_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(activation_slope, activation_slope, kxx, kyy, kxy)
    expectation_1 = hermite.dual(activation, activation, kxx, kyy, kxy)
    expectation_2 = hermite.dual_kxx(activation_slope, activation_slope, kxx, kyy, kxy)
    expectation_3 = hermite.dual_kxx(activation, activation, kxx, kyy, kxy)
    expectation_4 = hermite.dual_kxy(activation_slope, activation_slope, kxx, kyy, kxy)
    expectation_5 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    expectation_6 = hermite.dual_kyy(activation_slope, activation_slope, kxx, kyy, kxy)
    expectation_7 = hermite.dual_kyy(activation, activation, kxx, kyy, kxy)
    shared_0 = 1.0 - expectation_0 * weight_variance
    shared_1 = 1.0 / shared_0
    shared_2 = expectation_5 * scale_y
    shared_3 = expectation_1 / (shared_0 * shared_0)
    shared_4 = shared_3 * weight_variance
    shared_5 = expectation_4 * scale_y
    shared_6 = 0.5 * correlation
    shared_7 = shared_6 / scale_x
    shared_8 = scale_x * shared_6 / scale_y
    return (
        scale_x * shared_1 * shared_2 + scale_x * shared_4 * shared_5,
        shared_1 * (expectation_3 + shared_2 * shared_7) + shared_4 * (expectation_2 + shared_5 * shared_7),
        shared_1 * (expectation_5 * shared_8 + expectation_7) + shared_4 * (expectation_4 * shared_8 +
            expectation_6),
        expectation_0 * shared_3,
        0.0,
    )


def readout_diagonal_gradient(kxx, weight_variance):
    expectation_0 = hermite.mean(activation_slope, activation_slope, kxx)
    expectation_1 = hermite.mean(activation, activation, kxx)
    expectation_2 = hermite.mean_derivative(activation_slope, activation_slope, kxx)
    expectation_3 = hermite.mean_derivative(activation, activation, kxx)
    shared_0 = 1.0 - expectation_0 * weight_variance
    shared_1 = expectation_1 / (shared_0 * shared_0)
    return (
        expectation_2 * shared_1 * weight_variance + expectation_3 / shared_0,
        expectation_0 * shared_1,
        0.0,
    )


def modulus(kxx, kyy, weight_variance):
    expectation_0 = hermite.mean(activation_slope, activation_slope, kxx)
    expectation_1 = hermite.mean(activation_slope, activation_slope, kyy)
    return np.sqrt(expectation_0) * np.sqrt(expectation_1) * weight_variance


def diagonal_step_input_gradient(input_variance):
    return (
        input_variance,
    )


def residual_input_gradient(kxx, kyy, input_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    return (
        0.0,
        -input_variance / (scale_x * scale_y),
    )


KERNEL = Kernel(
    name="implicit_ntk_tanh",
    summary="tangent kernel of the implicit network with centred activation tanh(z), input weights frozen",
    model="implicit_ntk",
    parameters=(
        Parameter("weight_variance", 0.0, float("inf"), 0.2, "variance of the recurrent weights", lower_closed=True),
        Parameter("input_variance", 0.0, float("inf"), 0.8, "variance of the input weights"),
    ),
    input_names=("cxx",),
    pair_names=("cxy",),
    moments="linear",
    chart=Chart.CORRELATION,
    diagonal_step=Formula(diagonal_step, ("kxx", "cxx", "weight_variance", "input_variance")),
    diagonal_step_derivative=Formula(diagonal_step_derivative, ("kxx", "weight_variance")),
    diagonal_fixed_point=None,
    step=Formula(step, ("kxx", "kyy", "kxy", "cxy", "weight_variance", "input_variance")),
    step_derivative=Formula(step_derivative, ("kxx", "kyy", "kxy", "weight_variance")),
    residual=Formula(residual, ("correlation", "kxx", "kyy", "cxy", "weight_variance", "input_variance")),
    residual_derivative=Formula(residual_derivative, ("correlation", "kxx", "kyy", "weight_variance")),
    start=None,
    readout=Formula(readout, ("correlation", "kxx", "kyy", "weight_variance")),
    readout_diagonal=Formula(readout_diagonal, ("kxx", "weight_variance")),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx")),
    residual_gradient=Formula(residual_gradient, ("correlation", "kxx", "kyy", "cxy", "weight_variance", "input_variance")),
    readout_gradient=Formula(readout_gradient, ("correlation", "kxx", "kyy", "weight_variance")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ("kxx", "weight_variance")),
    claim=Claim.CONTRACTION,
    modulus=Formula(modulus, ("kxx", "kyy", "weight_variance")),
    spec=SPEC,
    sources=(
        "Ling, Li, Feng, Zhang, Zhou, Qiu and Liao, Deep equilibrium models are almost equivalent to not-so-deep explicit models for high-dimensional Gaussian mixtures, ICML 2024",
    ),
    diagonal_step_input_gradient=Formula(diagonal_step_input_gradient, ("input_variance",)),
    residual_input_gradient=Formula(residual_input_gradient, ("kxx", "kyy", "input_variance")),
)
