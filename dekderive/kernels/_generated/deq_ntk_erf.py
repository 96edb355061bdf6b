# Generated from derivations/deq_ntk_erf.py by `python -m codegen update`; edit that file, not this one.
"""Tangent kernel of the deep equilibrium model with activation sqrt(2)*sqrt(pi)*erf(z)/(2*sqrt(asin(2/3))).

activation(z) = sqrt(2)*sqrt(pi)*erf(z)/(2*sqrt(asin(2/3)))
activation_slope(z) = sqrt(2)*exp(-z**2)/sqrt(asin(2/3))

Sources: Feng and Kolter, On the neural tangent kernel of equilibrium models, arXiv:2310.14062, Theorem 2; Williams,
Computing with infinite networks, NeurIPS 1996.
"""

import numpy as np

from dekderive.kernels import hermite, special
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter
from dekderive.kernels.layered import Expectation

SPEC = "0d32b33d2cc0c48b"


@hermite.analytic(3.999999999996362, 58844559.78385305)
def activation(z):
    return 1.4671669504891387 * special.erf(z)


def activation_curvature(z):
    return -3.311041243165995 * z * np.exp(-z * z)


def activation_slope(z):
    return 1.6555206215829974 * np.exp(-z * z)


def diagonal_step(kxx, cxx, weight_variance, input_variance, bias_variance):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    return (
        bias_variance
        + cxx * input_variance
        + 1.370374264243277 * weight_variance * special.arcsine(shared_1, shared_1, shared_0)
    )


def diagonal_step_derivative(kxx, weight_variance):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    shared_2 = 1.0 / special.rootgap(shared_1, shared_1, shared_0)
    return 1.370374264243277 * weight_variance * (2.0 * shared_2 - 8.0 * kxx * shared_2 / (4.0 * kxx + 2.0))


def step(kxx, kyy, kxy, cxy, weight_variance, input_variance, bias_variance):
    return (
        bias_variance
        + cxy * input_variance
        + 1.370374264243277 * weight_variance * special.noisy_arcsine(kxx, kyy, kxy, 0.5, 0.5)
    )


def step_derivative(kxx, kyy, kxy, weight_variance):
    return 1.370374264243277 * weight_variance / special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5)


def residual(correlation, kxx, kyy, cxy, weight_variance, input_variance, bias_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return (
        correlation
        - (bias_variance + cxy * input_variance + 1.370374264243277 * weight_variance * special.noisy_arcsine(kxx,
            kyy, kxy, 0.5, 0.5)) / (scale_x * scale_y)
    )


def residual_derivative(correlation, kxx, kyy, weight_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return 1.0 - 1.370374264243277 * weight_variance / special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5)


def readout(correlation, kxx, kyy, weight_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return kxy / (1.0 - 1.370374264243277 * weight_variance / special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5))


def readout_diagonal(kxx, weight_variance):
    return kxx / (1.0 - 2.740748528486554 * weight_variance / np.sqrt(4.0 * kxx + 1.0))


def diagonal_step_gradient(kxx, cxx):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    return (
        1.370374264243277 * special.arcsine(shared_1, shared_1, shared_0),
        cxx,
        1.0,
    )


def residual_gradient(correlation, kxx, kyy, cxy, weight_variance, input_variance, bias_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 1.0 / scale_y
    shared_1 = 1.370374264243277 * special.noisy_arcsine(kxx, kyy, kxy, 0.5, 0.5)
    shared_2 = bias_variance + cxy * input_variance + shared_1 * weight_variance
    shared_3 = 1.0 / scale_x
    shared_4 = 1.0 / special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5)
    shared_5 = 0.5 * correlation * shared_4
    shared_6 = kxy * shared_4
    shared_7 = shared_0 * shared_3
    shared_8 = 1.370374264243277 * shared_7 * weight_variance
    return (
        0.5 * shared_0 * shared_2 / scale_x ** 3 - shared_8 * (scale_y * shared_3 * shared_5 - shared_6 / (2.0 * kxx
            + 1.0)),
        0.5 * shared_2 * shared_3 / scale_y ** 3 - shared_8 * (scale_x * shared_0 * shared_5 - shared_6 / (2.0 * kyy
            + 1.0)),
        -shared_1 * shared_7,
        -cxy * shared_7,
        -shared_7,
    )


def readout_gradient(correlation, kxx, kyy, weight_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5)
    shared_1 = 1.0 / shared_0
    shared_2 = 1.370374264243277 * shared_1
    shared_3 = 1.0 - shared_2 * weight_variance
    shared_4 = 1.0 / shared_3
    shared_5 = scale_y * shared_4
    shared_6 = correlation * correlation
    shared_7 = 1.0 / (shared_3 * shared_3)
    shared_8 = 1.370374264243277 * weight_variance
    shared_9 = 0.5 * correlation
    shared_10 = 0.5 * kyy
    shared_11 = shared_1 * shared_6
    shared_12 = kxy * shared_7
    shared_13 = shared_12 * shared_8 / (shared_0 * shared_0)
    shared_14 = 0.5 * kxx
    return (
        scale_x ** 3 * scale_y ** 3 * shared_6 * shared_7 * shared_8 / shared_0 ** 3 + scale_x * shared_5,
        shared_13 * (shared_10 * shared_11 - shared_1 * (shared_10 + 0.25)) + shared_5 * shared_9 / scale_x,
        scale_x * shared_4 * shared_9 / scale_y + shared_13 * (shared_11 * shared_14 - shared_1 * (shared_14 +
            0.25)),
        shared_12 * shared_2,
        0.0,
        0.0,
    )


def readout_diagonal_gradient(kxx, weight_variance):
    shared_0 = 4.0 * kxx + 1.0
    shared_1 = 2.740748528486554 / np.sqrt(shared_0)
    shared_2 = 1.0 - shared_1 * weight_variance
    shared_3 = kxx / (shared_2 * shared_2)
    return (
        1.0 / shared_2 - 5.481497056973108 * shared_3 * weight_variance / (shared_0 * np.sqrt(shared_0)),
        shared_1 * shared_3,
        0.0,
        0.0,
    )


def modulus(kxx, kyy, weight_variance):
    return 2.740748528486554 * weight_variance / ((4.0 * kxx + 1.0) ** 0.25 * (4.0 * kyy + 1.0) ** 0.25)


def activation_mean(kxx):
    return 1.370374264243277 * np.arctan(kxx / np.sqrt(kxx + 0.25))


def activation_mean_gradient(kxx):
    shared_0 = kxx + 0.25
    return (
        1.370374264243277 * (1.0 / np.sqrt(shared_0) - 0.5 * kxx / (shared_0 * np.sqrt(shared_0))) / (kxx * kxx /
            shared_0 + 1.0),
    )


def activation_value(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    return 1.370374264243277 * np.arctan(kxy / np.sqrt(kxx * kyy * sine * sine + 0.5 * kxx + 0.5 * kyy + 0.25))


def activation_value_gradient(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    shared_0 = 0.5 * kxx
    shared_1 = 0.5 * kyy
    shared_2 = sine * sine
    shared_3 = kxx * kyy
    shared_4 = shared_0 + shared_1 + shared_2 * shared_3 + 0.25
    shared_5 = 0.5 * cosine / np.sqrt(shared_4)
    shared_6 = kxy / (shared_4 * np.sqrt(shared_4))
    shared_7 = 1.370374264243277 / (cosine * cosine * shared_3 / shared_4 + 1.0)
    return (
        shared_7 * (shared_6 * (-shared_1 * shared_2 - 0.25) + scale_y * shared_5 / scale_x),
        shared_7 * (scale_x * shared_5 / scale_y + shared_6 * (-shared_0 * shared_2 - 0.25)),
    )


def activation_price(angle, kxx, kyy):
    sine = np.sin(angle)
    return 1.370374264243277 / np.sqrt(kxx * kyy * sine * sine + 0.5 * kxx + 0.5 * kyy + 0.25)


def slope_mean(kxx):
    return 1.370374264243277 / np.sqrt(kxx + 0.25)


def slope_mean_gradient(kxx):
    return (
        -0.6851871321216385 / ((kxx + 0.25) * np.sqrt(kxx + 0.25)),
    )


def slope_value(angle, kxx, kyy):
    sine = np.sin(angle)
    return 1.370374264243277 / np.sqrt(kxx * kyy * sine * sine + 0.5 * kxx + 0.5 * kyy + 0.25)


def slope_value_gradient(angle, kxx, kyy):
    sine = np.sin(angle)
    shared_0 = sine * sine
    shared_1 = 0.5 * kyy
    shared_2 = 0.5 * kxx
    shared_3 = (
        1.370374264243277 / ((kxx * kyy * shared_0 + shared_1 + shared_2 + 0.25) * np.sqrt(kxx * kyy * shared_0 +
            shared_1 + shared_2 + 0.25))
    )
    return (
        shared_3 * (-shared_0 * shared_1 - 0.25),
        shared_3 * (-shared_0 * shared_2 - 0.25),
    )


def slope_price(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    return (
        1.370374264243277 * kxy / ((kxx * kyy * sine * sine + 0.5 * kxx + 0.5 * kyy + 0.25) * np.sqrt(kxx * kyy *
            sine * sine + 0.5 * kxx + 0.5 * kyy + 0.25))
    )


KERNEL = Kernel(
    name="deq_ntk_erf",
    summary="tangent kernel of the deep equilibrium model with activation sqrt(2)*sqrt(pi)*erf(z)/(2*sqrt(asin(2/3)))",
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
        "Williams, Computing with infinite networks, NeurIPS 1996",
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
        closed=True,
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
        closed=True,
    ),
    read="preactivation",
)
