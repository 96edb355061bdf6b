# Generated from derivations/deq_ntk_relu.py by `python -m codegen update`; edit that file, not this one.
"""Tangent kernel of the deep equilibrium model with activation sqrt(2)*relu(z).

activation(z) = sqrt(2)*relu(z)
activation_slope(z) = sqrt(2)*step(z)

Sources: Feng and Kolter, On the neural tangent kernel of equilibrium models, arXiv:2310.14062, Theorem 2; Cho and
Saul, Kernel methods for deep learning, NeurIPS 2009.
"""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter
from dekderive.kernels.layered import Expectation

SPEC = "24ad78137490bff1"


def diagonal_step(kxx, cxx, weight_variance, input_variance, bias_variance):
    return bias_variance + cxx * input_variance + kxx * weight_variance


def diagonal_step_derivative(weight_variance):
    return weight_variance


def diagonal_fixed_point(cxx, weight_variance, input_variance, bias_variance):
    return (bias_variance + cxx * input_variance) / (1.0 - weight_variance)


def step(kxx, kyy, kxy, cxy, weight_variance, input_variance, bias_variance):
    return (
        bias_variance
        + cxy * input_variance
        + weight_variance * (kxy * special.arcsine(kxx, kyy, kxy) / np.pi + 0.5 * kxy + special.rootgap(kxx, kyy,
            kxy) / np.pi)
    )


def step_derivative(kxx, kyy, kxy, weight_variance):
    return weight_variance * (special.arcsine(kxx, kyy, kxy) / np.pi + 0.5)


def residual(angle, cxx, cyy, gap, weight_variance, input_variance, bias_variance):
    norm_x = np.sqrt(cxx)
    norm_y = np.sqrt(cyy)
    shared_0 = special.versine(angle)
    shared_1 = np.sqrt(bias_variance + cxx * input_variance)
    shared_2 = np.sqrt(bias_variance + cyy * input_variance)
    shared_3 = input_variance * norm_x * norm_y
    return (
        shared_0
        + weight_variance * special.sin_minus_xcos(angle) / np.pi
        - shared_0 * weight_variance
        - (1.0 - weight_variance) * (bias_variance * input_variance * (norm_x - norm_y) ** 2 / (bias_variance +
            shared_1 * shared_2 + shared_3) + gap * shared_3) / (shared_1 * shared_2)
    )


def residual_derivative(angle, weight_variance):
    sine = np.sin(angle)
    shared_0 = sine * weight_variance
    return angle * shared_0 / np.pi + sine - shared_0


def start(cxx, cyy, gap, input_variance, bias_variance):
    norm_x = np.sqrt(cxx)
    norm_y = np.sqrt(cyy)
    shared_0 = np.sqrt(bias_variance + cxx * input_variance)
    shared_1 = np.sqrt(bias_variance + cyy * input_variance)
    shared_2 = input_variance * norm_x * norm_y
    return (
        2.0 * np.arcsin(np.sqrt(np.minimum(1.0, 0.5 * (bias_variance * input_variance * (norm_x - norm_y) ** 2 /
            (bias_variance + shared_0 * shared_1 + shared_2) + gap * shared_2) / (shared_0 * shared_1))))
    )


def readout(angle, kxx, kyy, weight_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    kxy = cosine * scale_x * scale_y
    return kxy / (1.0 - weight_variance * (1.0 - angle / np.pi))


def readout_diagonal(kxx, weight_variance):
    return kxx / (1.0 - weight_variance)


def diagonal_step_gradient(kxx, cxx):
    return (
        kxx,
        cxx,
        1.0,
    )


def residual_gradient(angle, cxx, cyy, gap, weight_variance, input_variance, bias_variance):
    norm_x = np.sqrt(cxx)
    norm_y = np.sqrt(cyy)
    shared_0 = norm_x * norm_y
    shared_1 = input_variance * shared_0
    shared_2 = (norm_x - norm_y) ** 2
    shared_3 = bias_variance + cxx * input_variance
    shared_4 = np.sqrt(shared_3)
    shared_5 = bias_variance + cyy * input_variance
    shared_6 = np.sqrt(shared_5)
    shared_7 = bias_variance + shared_1 + shared_4 * shared_6
    shared_8 = shared_2 / shared_7
    shared_9 = bias_variance * shared_8
    shared_10 = gap * shared_1 + input_variance * shared_9
    shared_11 = 1.0 / shared_4
    shared_12 = 1.0 / shared_6
    shared_13 = shared_11 * shared_12
    shared_14 = 0.5 * shared_12
    shared_15 = 1.0 - weight_variance
    shared_16 = shared_10 * shared_15
    shared_17 = shared_14 * shared_16 / (shared_3 * np.sqrt(shared_3))
    shared_18 = 0.5 * shared_11
    shared_19 = shared_16 * shared_18 / (shared_5 * np.sqrt(shared_5))
    shared_20 = shared_18 * shared_6
    shared_21 = shared_14 * shared_4
    shared_22 = bias_variance * input_variance * shared_2 / (shared_7 * shared_7)
    shared_23 = shared_13 * shared_15
    return (
        0.0,
        0.0,
        shared_10 * shared_13 + special.sin_minus_xcos(angle) / np.pi - special.versine(angle),
        cxx * shared_17 + cyy * shared_19 - shared_23 * (gap * shared_0 + shared_22 * (-cxx * shared_20 - cyy *
            shared_21 - shared_0) + shared_9),
        shared_17 + shared_19 - shared_23 * (input_variance * shared_8 + shared_22 * (-shared_20 - shared_21 -
            1.0)),
    )


def readout_gradient(angle, kxx, kyy, weight_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    shared_0 = 1.0 - angle / np.pi
    shared_1 = 1.0 - shared_0 * weight_variance
    shared_2 = kxy / (shared_1 * shared_1)
    shared_3 = 1.0 / shared_1
    shared_4 = scale_y * shared_3
    shared_5 = 0.5 * cosine
    return (
        -scale_x * shared_4 * sine - shared_2 * weight_variance / np.pi,
        shared_4 * shared_5 / scale_x,
        scale_x * shared_3 * shared_5 / scale_y,
        shared_0 * shared_2,
        0.0,
        0.0,
    )


def readout_diagonal_gradient(kxx, weight_variance):
    shared_0 = 1.0 - weight_variance
    return (
        1.0 / shared_0,
        kxx / (shared_0 * shared_0),
        0.0,
        0.0,
    )


def modulus(weight_variance):
    return weight_variance


def activation_mean(kxx):
    return kxx


def activation_mean_gradient():
    return (
        1.0,
    )


def activation_value(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    return kxy * (1.5707963267948966 - angle) / np.pi + 0.5 * kxy + scale_x * scale_y * sine / np.pi


def activation_value_gradient(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    shared_0 = scale_y / scale_x
    shared_1 = 0.25 * cosine
    shared_2 = sine / (2.0 * np.pi)
    shared_3 = cosine * (1.5707963267948966 - angle) / (2.0 * np.pi)
    shared_4 = scale_x / scale_y
    return (
        shared_0 * shared_1 + shared_0 * shared_2 + shared_0 * shared_3,
        shared_1 * shared_4 + shared_2 * shared_4 + shared_3 * shared_4,
    )


def activation_price(angle):
    return (1.5707963267948966 - angle) / np.pi + 0.5


def activation_loss(angle):
    return special.versine(angle) - special.sin_minus_xcos(angle) / np.pi


def slope_mean():
    return 1.0


def slope_mean_gradient():
    return (
        0.0,
    )


def slope_value(angle):
    return (1.5707963267948966 - angle) / np.pi + 0.5


def slope_value_gradient():
    return (
        0.0,
        0.0,
    )


def slope_price(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    sine = np.sin(angle)
    return 1.0 / (np.pi * scale_x * scale_y * sine)


def slope_loss(angle):
    return angle / np.pi


KERNEL = Kernel(
    name="deq_ntk_relu",
    summary="tangent kernel of the deep equilibrium model with activation sqrt(2)*relu(z)",
    model="deq_ntk",
    parameters=(
        Parameter("weight_variance", 0.0, 1.0, 0.6, "variance of the recurrent weights", lower_closed=True),
        Parameter("input_variance", 0.0, float("inf"), 0.4, "variance of the input weights", lower_closed=True),
        Parameter("bias_variance", 0.0, float("inf"), 0.0, "variance of the biases", lower_closed=True),
    ),
    input_names=("cxx",),
    pair_names=("cxy", "gap"),
    moments="linear",
    chart=Chart.ANGLE,
    diagonal_step=Formula(diagonal_step, ("kxx", "cxx", "weight_variance", "input_variance", "bias_variance")),
    diagonal_step_derivative=Formula(diagonal_step_derivative, ("weight_variance",)),
    diagonal_fixed_point=Formula(diagonal_fixed_point, ("cxx", "weight_variance", "input_variance", "bias_variance")),
    step=Formula(step, ("kxx", "kyy", "kxy", "cxy", "weight_variance", "input_variance", "bias_variance")),
    step_derivative=Formula(step_derivative, ("kxx", "kyy", "kxy", "weight_variance")),
    residual=Formula(residual, ("angle", "cxx", "cyy", "gap", "weight_variance", "input_variance", "bias_variance")),
    residual_derivative=Formula(residual_derivative, ("angle", "weight_variance")),
    start=Formula(start, ("cxx", "cyy", "gap", "input_variance", "bias_variance")),
    readout=Formula(readout, ("angle", "kxx", "kyy", "weight_variance")),
    readout_diagonal=Formula(readout_diagonal, ("kxx", "weight_variance")),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx")),
    residual_gradient=Formula(residual_gradient, ("angle", "cxx", "cyy", "gap", "weight_variance", "input_variance", "bias_variance")),
    readout_gradient=Formula(readout_gradient, ("angle", "kxx", "kyy", "weight_variance")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ("kxx", "weight_variance")),
    claim=Claim.CONTRACTION,
    modulus=Formula(modulus, ("weight_variance",)),
    spec=SPEC,
    sources=(
        "Feng and Kolter, On the neural tangent kernel of equilibrium models, arXiv:2310.14062, Theorem 2",
        "Cho and Saul, Kernel methods for deep learning, NeurIPS 2009",
    ),
    activation=Expectation(
        mean=Formula(activation_mean, ("kxx",)),
        mean_gradient=Formula(activation_mean_gradient, ()),
        value=Formula(activation_value, ("angle", "kxx", "kyy")),
        value_gradient=Formula(activation_value_gradient, ("angle", "kxx", "kyy")),
        price=Formula(activation_price, ("angle",)),
        loss=Formula(activation_loss, ("angle",)),
        degree=1.0,
        function=None,
        derivative=None,
        closed=True,
    ),
    slope=Expectation(
        mean=Formula(slope_mean, ()),
        mean_gradient=Formula(slope_mean_gradient, ()),
        value=Formula(slope_value, ("angle",)),
        value_gradient=Formula(slope_value_gradient, ()),
        price=Formula(slope_price, ("angle", "kxx", "kyy")),
        loss=Formula(slope_loss, ("angle",)),
        degree=0.0,
        function=None,
        derivative=None,
        closed=True,
    ),
    read="preactivation",
)
