# Generated from derivations/deq_nngp_gelu.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian process of the deep equilibrium model with activation sqrt(6)*sqrt(pi)*z*ndtr(z)/sqrt(sqrt(3) + 2*pi).

activation(z) = sqrt(6)*sqrt(pi)*z*ndtr(z)/sqrt(sqrt(3) + 2*pi)

Sources: Feng and Kolter, On the neural tangent kernel of equilibrium models, arXiv:2310.14062, Theorem 2; Price, A
useful theorem for nonlinear devices having Gaussian inputs, IRE Trans. Inf. Theory 4 (1958) 69-72.
"""

import numpy as np

from dekderive.kernels import hermite, special
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter
from dekderive.kernels.layered import Expectation

SPEC = "a0f85b58256a1adc"


@hermite.analytic(3.999999999996362, 29185.66497329843, 7296.416243324607, 1.0)
def activation(z):
    return 1.5335304411955353 * z * special.ndtr(z)


def activation_slope(z):
    return 0.611790131275562 * z * np.exp(-0.5 * z * z) + 1.5335304411955353 * special.ndtr(z)


def diagonal_step(kxx, cxx, weight_variance, input_variance, bias_variance):
    shared_0 = kxx + 1.0
    return (
        bias_variance
        + cxx * input_variance
        + weight_variance * (0.7485743294523387 * kxx * kxx / (shared_0 * np.sqrt(2.0 * kxx + 1.0)) +
            0.37428716472616935 * kxx * special.arcsine(shared_0, shared_0, kxx) + 0.5879289035183433 * kxx)
    )


def diagonal_step_derivative(kxx, weight_variance):
    shared_0 = kxx + 1.0
    shared_1 = 1.0 / shared_0
    shared_2 = 2.0 * kxx
    shared_3 = shared_2 + 1.0
    shared_4 = 1.0 / np.sqrt(shared_3)
    shared_5 = 0.7485743294523387 * kxx * kxx
    shared_6 = 1.0 / special.rootgap(shared_0, shared_0, kxx)
    return (
        weight_variance * (1.4971486589046774 * kxx * shared_1 * shared_4 + 0.37428716472616935 * kxx * (shared_6 -
            shared_2 * shared_6 / (shared_2 + 2.0)) + 0.37428716472616935 * special.arcsine(shared_0, shared_0, kxx) +
            0.5879289035183433 - shared_1 * shared_5 / (shared_3 * np.sqrt(shared_3)) - shared_4 * shared_5 / (shared_0
            * shared_0))
    )


def step(kxx, kyy, kxy, cxy, weight_variance, input_variance, bias_variance):
    shared_0 = special.noisy_rootgap(kxx, kyy, kxy, 1.0, 1.0)
    shared_1 = 3.0 / ((kxx + 1.0) * (kyy + 1.0))
    return (
        bias_variance
        + cxy * input_variance
        + weight_variance * (0.37428716472616935 * kxy * special.noisy_arcsine(kxx, kyy, kxy, 1.0, 1.0) +
            0.5879289035183433 * kxy + 0.12476238824205646 * (kxx * kyy * shared_0 * shared_1 + kxy * kxy * shared_1 /
            shared_0))
    )


def step_derivative(kxx, kyy, kxy, weight_variance):
    shared_0 = special.rootgap(kxx, kyy, kxy) ** 2
    return (
        weight_variance * (0.37428716472616935 * kxy * (kxx * kxx + 3.0 * kxx * kyy + kxx * shared_0 + 4.0 * kxx +
            kyy * kyy + kyy * shared_0 + 4.0 * kyy + 2.0 * shared_0 + 3.0) / ((kxx + 1.0) * (kyy + 1.0) *
            special.noisy_rootgap(kxx, kyy, kxy, 1.0, 1.0) ** 3) + 0.37428716472616935 * special.noisy_arcsine(kxx, kyy,
            kxy, 1.0, 1.0) + 0.5879289035183433)
    )


def residual(correlation, kxx, kyy, cxy, weight_variance, input_variance, bias_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = special.noisy_rootgap(kxx, kyy, kxy, 1.0, 1.0)
    shared_1 = 3.0 * kxx * kyy / ((kxx + 1.0) * (kyy + 1.0))
    return (
        correlation
        - (bias_variance + cxy * input_variance + weight_variance * (0.37428716472616935 * kxy *
            special.noisy_arcsine(kxx, kyy, kxy, 1.0, 1.0) + 0.5879289035183433 * kxy + 0.12476238824205646 *
            (correlation * correlation * shared_1 / shared_0 + shared_0 * shared_1))) / (scale_x * scale_y)
    )


def residual_derivative(correlation, kxx, kyy, weight_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = special.rootgap(kxx, kyy, kxy) ** 2
    return (
        1.0
        - weight_variance * (0.37428716472616935 * kxy * (kxx * kxx + 3.0 * kxx * kyy + kxx * shared_0 + 4.0 * kxx +
            kyy * kyy + kyy * shared_0 + 4.0 * kyy + 2.0 * shared_0 + 3.0) / ((kxx + 1.0) * (kyy + 1.0) *
            special.noisy_rootgap(kxx, kyy, kxy, 1.0, 1.0) ** 3) + 0.37428716472616935 * special.noisy_arcsine(kxx, kyy,
            kxy, 1.0, 1.0) + 0.5879289035183433)
    )


def readout(correlation, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return kxy


def readout_diagonal(kxx):
    return kxx


def diagonal_step_gradient(kxx, cxx):
    shared_0 = kxx + 1.0
    return (
        0.7485743294523387 * kxx * kxx / (shared_0 * np.sqrt(2.0 * kxx + 1.0)) + 0.37428716472616935 * kxx *
            special.arcsine(shared_0, shared_0, kxx) + 0.5879289035183433 * kxx,
        cxx,
        1.0,
    )


def residual_gradient(correlation, kxx, kyy, cxy, weight_variance, input_variance, bias_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 1.0 / scale_y
    shared_1 = special.noisy_arcsine(kxx, kyy, kxy, 1.0, 1.0)
    shared_2 = 0.37428716472616935 * kxy
    shared_3 = special.noisy_rootgap(kxx, kyy, kxy, 1.0, 1.0)
    shared_4 = kxx + 1.0
    shared_5 = 1.0 / shared_4
    shared_6 = kyy + 1.0
    shared_7 = 1.0 / shared_6
    shared_8 = 3.0 * shared_5 * shared_7
    shared_9 = shared_3 * shared_8
    shared_10 = kyy * shared_9
    shared_11 = 1.0 / shared_3
    shared_12 = correlation * correlation
    shared_13 = shared_11 * shared_12
    shared_14 = kxx * kyy
    shared_15 = shared_14 * shared_8
    shared_16 = (
        0.5879289035183433 * kxy
        + shared_1 * shared_2
        + 0.12476238824205646 * (kxx * shared_10 + shared_13 * shared_15)
    )
    shared_17 = bias_variance + cxy * input_variance + shared_16 * weight_variance
    shared_18 = 0.29396445175917163 * correlation
    shared_19 = 1.0 / scale_x
    shared_20 = scale_y * shared_19
    shared_21 = correlation * shared_20
    shared_22 = 0.18714358236308468 * shared_1
    shared_23 = 0.5 * shared_11
    shared_24 = kxy * shared_11
    shared_25 = 3.0 * shared_14
    shared_26 = shared_25 * shared_3
    shared_27 = shared_7 / (shared_4 * shared_4)
    shared_28 = shared_13 * shared_8
    shared_29 = shared_13 * shared_25
    shared_30 = 0.5 * kyy
    shared_31 = shared_13 * shared_30 - shared_11 * (shared_30 + 0.5)
    shared_32 = shared_12 * shared_15 / (shared_3 * shared_3)
    shared_33 = shared_0 * shared_19
    shared_34 = shared_33 * weight_variance
    shared_35 = scale_x * shared_0
    shared_36 = correlation * shared_35
    shared_37 = shared_5 / (shared_6 * shared_6)
    shared_38 = 0.5 * kxx
    shared_39 = shared_13 * shared_38 - shared_11 * (shared_38 + 0.5)
    return (
        0.5 * shared_0 * shared_17 / scale_x ** 3 - shared_34 * (shared_18 * shared_20 + shared_2 * (shared_21 *
            shared_23 - shared_24 / (2.0 * kxx + 2.0)) + shared_21 * shared_22 + 0.12476238824205646 * (kyy * shared_28
            + shared_10 + shared_31 * shared_32 - shared_15 * shared_31 - shared_26 * shared_27 - shared_27 *
            shared_29)),
        0.5 * shared_17 * shared_19 / scale_y ** 3 - shared_34 * (shared_18 * shared_35 + shared_2 * (shared_23 *
            shared_36 - shared_24 / (2.0 * kyy + 2.0)) + shared_22 * shared_36 + 0.12476238824205646 * (kxx * shared_28
            + kxx * shared_9 + shared_32 * shared_39 - shared_15 * shared_39 - shared_26 * shared_37 - shared_29 *
            shared_37)),
        -shared_16 * shared_33,
        -cxy * shared_33,
        -shared_33,
    )


def readout_gradient(correlation, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    shared_0 = 0.5 * correlation
    return (
        scale_x * scale_y,
        scale_y * shared_0 / scale_x,
        scale_x * shared_0 / scale_y,
        0.0,
        0.0,
        0.0,
    )


def readout_diagonal_gradient():
    return (
        1.0,
        0.0,
        0.0,
        0.0,
    )


def modulus(kxx, kyy, weight_variance):
    shared_0 = kxx + 1.0
    shared_1 = 0.5879289035183433
    shared_2 = kyy + 1.0
    return (
        weight_variance * np.sqrt(0.37428716472616935 * kxx * (5.0 * kxx + 3.0) / (shared_0 * ((2.0 * kxx + 1.0) *
            np.sqrt(2.0 * kxx + 1.0))) + shared_1 + 0.37428716472616935 * special.arcsine(shared_0, shared_0, kxx)) *
            np.sqrt(0.37428716472616935 * kyy * (5.0 * kyy + 3.0) / (shared_2 * ((2.0 * kyy + 1.0) * np.sqrt(2.0 * kyy +
            1.0))) + shared_1 + 0.37428716472616935 * special.arcsine(shared_2, shared_2, kyy))
    )


def activation_mean(kxx):
    shared_0 = np.sqrt(2.0 * kxx + 1.0)
    shared_1 = 1.0 / shared_0
    shared_2 = 3.0 * kxx * kxx / (kxx + 1.0) ** 2
    return (
        0.37428716472616935 * kxx * np.arctan(kxx * shared_1)
        + 0.5879289035183433 * kxx
        + 0.12476238824205646 * (shared_0 * shared_2 + shared_1 * shared_2)
    )


def activation_mean_gradient(kxx):
    shared_0 = 2.0 * kxx + 1.0
    shared_1 = np.sqrt(shared_0)
    shared_2 = 1.0 / shared_1
    shared_3 = kxx * shared_2
    shared_4 = kxx * kxx
    shared_5 = 1.0 / (shared_0 * np.sqrt(shared_0))
    shared_6 = kxx + 1.0
    shared_7 = 1.0 / (shared_6 * shared_6)
    shared_8 = 6.0 * shared_1
    shared_9 = shared_4 / shared_6 ** 3
    shared_10 = 3.0 * shared_4 * shared_7
    return (
        0.37428716472616935 * kxx * (shared_2 - kxx * shared_5) / (1.0 + shared_4 / shared_0) + 0.12476238824205646
            * (kxx * shared_7 * shared_8 + shared_10 * shared_2 + 6.0 * shared_3 * shared_7 - shared_10 * shared_5 - 6.0
            * shared_2 * shared_9 - shared_8 * shared_9) + 0.37428716472616935 * np.arctan(shared_3) +
            0.5879289035183433,
    )


def activation_value(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    shared_0 = kxx * kyy
    shared_1 = kxx + 1.0
    shared_2 = np.sqrt(kyy + shared_0 * sine * sine + shared_1)
    shared_3 = 1.0 / shared_2
    shared_4 = 3.0 * shared_0 / (shared_1 * (kyy + 1.0))
    return (
        0.37428716472616935 * kxy * np.arctan(kxy * shared_3)
        + 0.5879289035183433 * kxy
        + 0.12476238824205646 * (cosine * cosine * shared_3 * shared_4 + shared_2 * shared_4)
    )


def activation_value_gradient(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    shared_0 = 0.29396445175917163 * cosine
    shared_1 = scale_y / scale_x
    shared_2 = cosine * shared_1
    shared_3 = sine * sine
    shared_4 = kyy * shared_3
    shared_5 = kxx + 1.0
    shared_6 = kxx * shared_4 + kyy + shared_5
    shared_7 = np.sqrt(shared_6)
    shared_8 = 1.0 / shared_7
    shared_9 = 0.18714358236308468 * np.arctan(kxy * shared_8)
    shared_10 = 0.5 * shared_8
    shared_11 = 0.5 * shared_4 + 0.5
    shared_12 = -shared_11
    shared_13 = 1.0 / (shared_6 * np.sqrt(shared_6))
    shared_14 = kxy * shared_13
    shared_15 = cosine * cosine
    shared_16 = kxx * kyy
    shared_17 = shared_15 * shared_16
    shared_18 = 0.37428716472616935 * kxy / (shared_17 / shared_6 + 1.0)
    shared_19 = 1.0 / shared_5
    shared_20 = kyy + 1.0
    shared_21 = 3.0 / shared_20
    shared_22 = shared_21 * shared_7
    shared_23 = shared_19 * shared_22
    shared_24 = 1.0 / (shared_5 * shared_5)
    shared_25 = shared_21 * shared_8
    shared_26 = shared_19 * shared_25
    shared_27 = shared_15 * shared_26
    shared_28 = shared_16 * shared_26
    shared_29 = shared_13 * shared_17 * shared_19 * shared_21
    shared_30 = scale_x / scale_y
    shared_31 = cosine * shared_30
    shared_32 = 0.5 * kxx * shared_3 + 0.5
    shared_33 = -shared_32
    shared_34 = 3.0 * shared_19 / (shared_20 * shared_20)
    return (
        shared_0 * shared_1 + shared_18 * (shared_10 * shared_2 + shared_12 * shared_14) + shared_2 * shared_9 +
            0.12476238824205646 * (kyy * shared_23 + kyy * shared_27 + shared_11 * shared_28 + shared_12 * shared_29 -
            shared_16 * shared_22 * shared_24 - shared_17 * shared_24 * shared_25),
        shared_0 * shared_30 + shared_18 * (shared_10 * shared_31 + shared_14 * shared_33) + shared_31 * shared_9 +
            0.12476238824205646 * (kxx * shared_23 + kxx * shared_27 + shared_28 * shared_32 + shared_29 * shared_33 -
            shared_16 * shared_34 * shared_7 - shared_17 * shared_34 * shared_8),
    )


def activation_price(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    shared_0 = sine * sine
    shared_1 = kxx * kyy
    shared_2 = shared_0 * shared_1
    shared_3 = kxx + 1.0
    shared_4 = kyy + shared_2 + shared_3
    shared_5 = kxx * kxx
    shared_6 = kyy * kyy
    return (
        0.37428716472616935 * kxy * (kxx * shared_0 * shared_6 + 4.0 * kxx + kyy * shared_0 * shared_5 + 4.0 * kyy +
            3.0 * shared_1 + 2.0 * shared_2 + shared_5 + shared_6 + 3.0) / (shared_3 * (shared_4 * np.sqrt(shared_4)) *
            (kyy + 1.0))
        + 0.37428716472616935 * np.arctan(kxy / np.sqrt(shared_4))
        + 0.5879289035183433
    )


KERNEL = Kernel(
    name="deq_nngp_gelu",
    summary="Gaussian process of the deep equilibrium model with activation sqrt(6)*sqrt(pi)*z*ndtr(z)/sqrt(sqrt(3) + 2*pi)",
    model="deq_nngp",
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
    readout=Formula(readout, ("correlation", "kxx", "kyy")),
    readout_diagonal=Formula(readout_diagonal, ("kxx",)),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx")),
    residual_gradient=Formula(residual_gradient, ("correlation", "kxx", "kyy", "cxy", "weight_variance", "input_variance", "bias_variance")),
    readout_gradient=Formula(readout_gradient, ("correlation", "kxx", "kyy")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ()),
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
        closed=True,
    ),
    slope=None,
    read="preactivation",
)
