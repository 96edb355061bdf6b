# Generated from derivations/implicit_ck_erf.py by `python -m codegen update`; edit that file, not this one.
"""Conjugate kernel of the implicit network with centred activation erf(z).

activation(z) = erf(z)
activation_slope(z) = 2*exp(-z**2)/sqrt(pi)

Sources: Ling, Li, Feng, Zhang, Zhou, Qiu and Liao, Deep equilibrium models are almost equivalent to not-so-deep
explicit models for high-dimensional Gaussian mixtures, ICML 2024; Williams, Computing with infinite networks, NeurIPS
1996.
"""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter

SPEC = "03588a58f83ddb9e"


def diagonal_step(kxx, cxx, weight_variance, input_variance):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    return cxx * input_variance + 2.0 * weight_variance * special.arcsine(shared_1, shared_1, shared_0) / np.pi


def diagonal_step_derivative(kxx, weight_variance):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    shared_2 = 1.0 / special.rootgap(shared_1, shared_1, shared_0)
    return 2.0 * weight_variance * (2.0 * shared_2 - 8.0 * kxx * shared_2 / (4.0 * kxx + 2.0)) / np.pi


def step(kxx, kyy, kxy, cxy, weight_variance, input_variance):
    return cxy * input_variance + 2.0 * weight_variance * special.noisy_arcsine(kxx, kyy, kxy, 0.5, 0.5) / np.pi


def step_derivative(kxx, kyy, kxy, weight_variance):
    return 2.0 * weight_variance / (np.pi * special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5))


def residual(correlation, kxx, kyy, cxy, weight_variance, input_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return (
        correlation
        - (cxy * input_variance + 2.0 * weight_variance * special.noisy_arcsine(kxx, kyy, kxy, 0.5, 0.5) / np.pi) /
            (scale_x * scale_y)
    )


def residual_derivative(correlation, kxx, kyy, weight_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return 1.0 - 2.0 * weight_variance / (np.pi * special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5))


def readout(correlation, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return 2.0 * special.noisy_arcsine(kxx, kyy, kxy, 0.5, 0.5) / np.pi


def readout_diagonal(kxx):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    return 2.0 * special.arcsine(shared_1, shared_1, shared_0) / np.pi


def diagonal_step_gradient(kxx, cxx):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    return (
        2.0 * special.arcsine(shared_1, shared_1, shared_0) / np.pi,
        cxx,
    )


def residual_gradient(correlation, kxx, kyy, cxy, weight_variance, input_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 1.0 / scale_y
    shared_1 = 2.0 * special.noisy_arcsine(kxx, kyy, kxy, 0.5, 0.5) / np.pi
    shared_2 = cxy * input_variance + shared_1 * weight_variance
    shared_3 = 1.0 / scale_x
    shared_4 = 1.0 / special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5)
    shared_5 = 0.5 * correlation * shared_4
    shared_6 = kxy * shared_4
    shared_7 = shared_0 * shared_3
    shared_8 = 2.0 * shared_7 * weight_variance / np.pi
    return (
        0.5 * shared_0 * shared_2 / scale_x ** 3 - shared_8 * (scale_y * shared_3 * shared_5 - shared_6 / (2.0 * kxx
            + 1.0)),
        0.5 * shared_2 * shared_3 / scale_y ** 3 - shared_8 * (scale_x * shared_0 * shared_5 - shared_6 / (2.0 * kyy
            + 1.0)),
        -shared_1 * shared_7,
        -cxy * shared_7,
    )


def readout_gradient(correlation, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 1.0 / special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5)
    shared_1 = scale_y * shared_0
    shared_2 = 0.5 * correlation
    shared_3 = kxy * shared_0
    return (
        2.0 * scale_x * shared_1 / np.pi,
        2.0 * (shared_1 * shared_2 / scale_x - shared_3 / (2.0 * kxx + 1.0)) / np.pi,
        2.0 * (scale_x * shared_0 * shared_2 / scale_y - shared_3 / (2.0 * kyy + 1.0)) / np.pi,
        0.0,
        0.0,
    )


def readout_diagonal_gradient(kxx):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    shared_2 = 1.0 / special.rootgap(shared_1, shared_1, shared_0)
    return (
        2.0 * (2.0 * shared_2 - 8.0 * kxx * shared_2 / (4.0 * kxx + 2.0)) / np.pi,
        0.0,
        0.0,
    )


def modulus(kxx, kyy, weight_variance):
    return 4.0 * weight_variance / (np.pi * (4.0 * kxx + 1.0) ** 0.25 * (4.0 * kyy + 1.0) ** 0.25)


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
    name="implicit_ck_erf",
    summary="conjugate kernel of the implicit network with centred activation erf(z)",
    model="implicit_ck",
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
    readout=Formula(readout, ("correlation", "kxx", "kyy")),
    readout_diagonal=Formula(readout_diagonal, ("kxx",)),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx")),
    residual_gradient=Formula(residual_gradient, ("correlation", "kxx", "kyy", "cxy", "weight_variance", "input_variance")),
    readout_gradient=Formula(readout_gradient, ("correlation", "kxx", "kyy")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ("kxx",)),
    claim=Claim.CONTRACTION,
    modulus=Formula(modulus, ("kxx", "kyy", "weight_variance")),
    spec=SPEC,
    sources=(
        "Ling, Li, Feng, Zhang, Zhou, Qiu and Liao, Deep equilibrium models are almost equivalent to not-so-deep explicit models for high-dimensional Gaussian mixtures, ICML 2024",
        "Williams, Computing with infinite networks, NeurIPS 1996",
    ),
    diagonal_step_input_gradient=Formula(diagonal_step_input_gradient, ("input_variance",)),
    residual_input_gradient=Formula(residual_input_gradient, ("kxx", "kyy", "input_variance")),
)
