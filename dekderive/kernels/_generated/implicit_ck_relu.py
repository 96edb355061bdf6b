# Generated from derivations/implicit_ck_relu.py by `python -m codegen update`; edit that file, not this one.
"""Conjugate kernel of the implicit network with centred activation relu(z).

activation(z) = relu(z)
activation_slope(z) = step(z)

Sources: Ling, Li, Feng, Zhang, Zhou, Qiu and Liao, Deep equilibrium models are almost equivalent to not-so-deep
explicit models for high-dimensional Gaussian mixtures, ICML 2024; Cho and Saul, Kernel methods for deep learning,
NeurIPS 2009.
"""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter

SPEC = "fab14e115aa09b29"


def diagonal_step(kxx, cxx, weight_variance, input_variance, reference_norm):
    scale_x = np.sqrt(kxx)
    shared_0 = 1.0 - 0.3408450569081047 * weight_variance
    return (
        cxx * input_variance
        + weight_variance * (input_variance * reference_norm * reference_norm / ((2.0 * np.pi) * shared_0) + 0.5 *
            kxx - np.sqrt(input_variance) * reference_norm * scale_x / (np.pi * np.sqrt(shared_0)))
    )


def diagonal_step_derivative(kxx, weight_variance, input_variance, reference_norm):
    scale_x = np.sqrt(kxx)
    return (
        weight_variance * (0.5 - np.sqrt(input_variance) * reference_norm / ((2.0 * np.pi) * scale_x * np.sqrt(1.0 -
            0.3408450569081047 * weight_variance)))
    )


def diagonal_fixed_point(cxx, weight_variance, input_variance, reference_norm):
    shared_0 = 1.0 - 0.3408450569081047 * weight_variance
    return (
        special.quadratic_root(1.0 - 0.5 * weight_variance, np.sqrt(input_variance) * reference_norm *
            weight_variance / (np.pi * np.sqrt(shared_0)), -cxx * input_variance - input_variance * reference_norm *
            reference_norm * weight_variance / ((2.0 * np.pi) * shared_0)) ** 2
    )


def step(kxx, kyy, kxy, cxy, weight_variance, input_variance, reference_norm):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    shared_0 = 1.0 - 0.3408450569081047 * weight_variance
    shared_1 = np.sqrt(input_variance) * reference_norm / ((2.0 * np.pi) * np.sqrt(shared_0))
    return (
        cxy * input_variance
        + weight_variance * (input_variance * reference_norm * reference_norm / ((2.0 * np.pi) * shared_0) + kxy *
            special.arcsine(kxx, kyy, kxy) / (2.0 * np.pi) + 0.25 * kxy + special.rootgap(kxx, kyy, kxy) / (2.0 * np.pi)
            - scale_x * shared_1 - scale_y * shared_1)
    )


def step_derivative(kxx, kyy, kxy, weight_variance):
    return weight_variance * (special.arcsine(kxx, kyy, kxy) / (2.0 * np.pi) + 0.25)


def residual(angle, kxx, kyy, cxx, cyy, gap, weight_variance, input_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    norm_x = np.sqrt(cxx)
    norm_y = np.sqrt(cyy)
    shared_0 = special.versine(angle)
    shared_1 = 0.5 * weight_variance
    return (
        shared_0
        + weight_variance * special.sin_minus_xcos(angle) / (2.0 * np.pi)
        - shared_0 * shared_1
        - (input_variance * (gap * norm_x * norm_y + 0.5 * (norm_x - norm_y) ** 2) - 0.5 * (1.0 - shared_1) *
            (scale_x - scale_y) ** 2) / (scale_x * scale_y)
    )


def residual_derivative(angle, weight_variance):
    sine = np.sin(angle)
    shared_0 = sine * weight_variance
    return angle * shared_0 / (2.0 * np.pi) + sine - 0.5 * shared_0


def readout(angle, kxx, kyy, weight_variance, input_variance, reference_norm):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    shared_0 = scale_x / (2.0 * np.pi)
    shared_1 = 1.0 - 0.3408450569081047 * weight_variance
    shared_2 = np.sqrt(input_variance) * reference_norm / np.sqrt(shared_1)
    return (
        input_variance * reference_norm * reference_norm / ((2.0 * np.pi) * shared_1)
        + kxy * (1.5707963267948966 - angle) / (2.0 * np.pi)
        + 0.25 * kxy
        + scale_y * shared_0 * sine
        - scale_y * shared_2 / (2.0 * np.pi)
        - shared_0 * shared_2
    )


def readout_diagonal(kxx, weight_variance, input_variance, reference_norm):
    scale_x = np.sqrt(kxx)
    shared_0 = 1.0 - 0.3408450569081047 * weight_variance
    return (
        input_variance * reference_norm * reference_norm / ((2.0 * np.pi) * shared_0)
        + 0.5 * kxx
        - np.sqrt(input_variance) * reference_norm * scale_x / (np.pi * np.sqrt(shared_0))
    )


def diagonal_step_gradient(kxx, cxx, weight_variance, input_variance, reference_norm):
    scale_x = np.sqrt(kxx)
    shared_0 = reference_norm * reference_norm
    shared_1 = 1.0 - 0.3408450569081047 * weight_variance
    shared_2 = 1.0 / shared_1
    shared_3 = shared_0 * shared_2 / (2.0 * np.pi)
    shared_4 = 1.0 / np.sqrt(shared_1)
    shared_5 = np.sqrt(input_variance)
    shared_6 = scale_x * shared_5
    shared_7 = shared_4 * shared_6
    return (
        input_variance * shared_3 + 0.5 * kxx + weight_variance * (0.05424717563536322 * input_variance * shared_0 /
            (shared_1 * shared_1) - 0.05424717563536322 * reference_norm * shared_6 / (shared_1 * np.sqrt(shared_1))) -
            reference_norm * shared_7 / np.pi,
        cxx + weight_variance * (shared_3 - reference_norm * scale_x * shared_4 / ((2.0 * np.pi) * shared_5)),
        weight_variance * (input_variance * reference_norm * shared_2 / np.pi - shared_7 / np.pi),
    )


def residual_gradient(angle, kxx, kyy, cxx, cyy, gap, weight_variance, input_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    norm_x = np.sqrt(cxx)
    norm_y = np.sqrt(cyy)
    shared_0 = 1.0 / scale_y
    shared_1 = scale_x - scale_y
    shared_2 = 0.5 - 0.25 * weight_variance
    shared_3 = shared_1 * shared_2
    shared_4 = shared_1 * shared_1
    shared_5 = gap * norm_x * norm_y + 0.5 * (norm_x - norm_y) ** 2
    shared_6 = 0.5 * input_variance * shared_5 - 0.5 * shared_2 * shared_4
    shared_7 = 1.0 / scale_x
    shared_8 = shared_0 * shared_7
    return (
        shared_0 * shared_6 / scale_x ** 3 + shared_0 * shared_3 / kxx,
        shared_6 * shared_7 / scale_y ** 3 - shared_3 * shared_7 / kyy,
        special.sin_minus_xcos(angle) / (2.0 * np.pi) - 0.25 * shared_4 * shared_8 - 0.5 * special.versine(angle),
        -shared_5 * shared_8,
        0.0,
    )


def readout_gradient(angle, kxx, kyy, weight_variance, input_variance, reference_norm):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    shared_0 = scale_y * sine
    shared_1 = scale_x * shared_0
    shared_2 = 1.5707963267948966 - angle
    shared_3 = 0.125 * cosine
    shared_4 = 1.0 / scale_x
    shared_5 = scale_y * shared_4
    shared_6 = shared_4 / (4.0 * np.pi)
    shared_7 = cosine * shared_2
    shared_8 = np.sqrt(input_variance)
    shared_9 = 1.0 - 0.3408450569081047 * weight_variance
    shared_10 = 1.0 / np.sqrt(shared_9)
    shared_11 = shared_10 * shared_8
    shared_12 = reference_norm * shared_11
    shared_13 = 1.0 / scale_y
    shared_14 = scale_x * shared_13
    shared_15 = shared_14 / (4.0 * np.pi)
    shared_16 = reference_norm * reference_norm
    shared_17 = reference_norm * scale_x
    shared_18 = 0.02712358781768161 * shared_8 / (shared_9 * np.sqrt(shared_9))
    shared_19 = reference_norm * scale_y
    shared_20 = 1.0 / shared_9
    shared_21 = shared_10 / ((4.0 * np.pi) * shared_8)
    shared_22 = shared_11 / (2.0 * np.pi)
    return (
        -shared_1 * shared_2 / (2.0 * np.pi) - 0.25 * shared_1,
        shared_0 * shared_6 + shared_3 * shared_5 + shared_5 * shared_7 / (4.0 * np.pi) - shared_12 * shared_6,
        shared_14 * shared_3 + shared_15 * shared_7 + shared_15 * sine - shared_12 * shared_13 / (4.0 * np.pi),
        0.05424717563536322 * input_variance * shared_16 / (shared_9 * shared_9) - shared_17 * shared_18 - shared_18
            * shared_19,
        shared_16 * shared_20 / (2.0 * np.pi) - shared_17 * shared_21 - shared_19 * shared_21,
        input_variance * reference_norm * shared_20 / np.pi - scale_x * shared_22 - scale_y * shared_22,
    )


def readout_diagonal_gradient(kxx, weight_variance, input_variance, reference_norm):
    scale_x = np.sqrt(kxx)
    shared_0 = np.sqrt(input_variance)
    shared_1 = 1.0 - 0.3408450569081047 * weight_variance
    shared_2 = 1.0 / np.sqrt(shared_1)
    shared_3 = shared_0 * shared_2
    shared_4 = reference_norm / (2.0 * np.pi)
    shared_5 = reference_norm * reference_norm
    shared_6 = 1.0 / shared_1
    return (
        0.5 - shared_3 * shared_4 / scale_x,
        0.05424717563536322 * input_variance * shared_5 / (shared_1 * shared_1) - 0.05424717563536322 *
            reference_norm * scale_x * shared_0 / (shared_1 * np.sqrt(shared_1)),
        shared_5 * shared_6 / (2.0 * np.pi) - scale_x * shared_2 * shared_4 / shared_0,
        input_variance * reference_norm * shared_6 / np.pi - scale_x * shared_3 / np.pi,
    )


def modulus(weight_variance):
    return 0.5 * weight_variance


def diagonal_step_input_gradient(input_variance):
    return (
        input_variance,
    )


def residual_input_gradient(kxx, kyy, cxx, cyy, gap, input_variance):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    norm_x = np.sqrt(cxx)
    norm_y = np.sqrt(cyy)
    shared_0 = 0.5 / norm_x
    shared_1 = input_variance / (scale_x * scale_y)
    return (
        -shared_1 * (gap * norm_y * shared_0 + shared_0 * (norm_x - norm_y)),
        0.0,
        -norm_x * norm_y * shared_1,
    )


KERNEL = Kernel(
    name="implicit_ck_relu",
    summary="conjugate kernel of the implicit network with centred activation relu(z)",
    model="implicit_ck",
    parameters=(
        Parameter("weight_variance", 0.0, float("inf"), 0.2, "variance of the recurrent weights", lower_closed=True),
        Parameter("input_variance", 0.0, float("inf"), 0.8, "variance of the input weights"),
        Parameter("reference_norm", 0.0, float("inf"), 1.0, "norm of the inputs at which the activation is centred"),
    ),
    input_names=("cxx",),
    pair_names=("cxy", "gap"),
    moments="linear",
    chart=Chart.ANGLE,
    diagonal_step=Formula(diagonal_step, ("kxx", "cxx", "weight_variance", "input_variance", "reference_norm")),
    diagonal_step_derivative=Formula(diagonal_step_derivative, ("kxx", "weight_variance", "input_variance", "reference_norm")),
    diagonal_fixed_point=Formula(diagonal_fixed_point, ("cxx", "weight_variance", "input_variance", "reference_norm")),
    step=Formula(step, ("kxx", "kyy", "kxy", "cxy", "weight_variance", "input_variance", "reference_norm")),
    step_derivative=Formula(step_derivative, ("kxx", "kyy", "kxy", "weight_variance")),
    residual=Formula(residual, ("angle", "kxx", "kyy", "cxx", "cyy", "gap", "weight_variance", "input_variance")),
    residual_derivative=Formula(residual_derivative, ("angle", "weight_variance")),
    start=None,
    readout=Formula(readout, ("angle", "kxx", "kyy", "weight_variance", "input_variance", "reference_norm")),
    readout_diagonal=Formula(readout_diagonal, ("kxx", "weight_variance", "input_variance", "reference_norm")),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx", "weight_variance", "input_variance", "reference_norm")),
    residual_gradient=Formula(residual_gradient, ("angle", "kxx", "kyy", "cxx", "cyy", "gap", "weight_variance", "input_variance")),
    readout_gradient=Formula(readout_gradient, ("angle", "kxx", "kyy", "weight_variance", "input_variance", "reference_norm")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ("kxx", "weight_variance", "input_variance", "reference_norm")),
    claim=Claim.CONTRACTION,
    modulus=Formula(modulus, ("weight_variance",)),
    spec=SPEC,
    sources=(
        "Ling, Li, Feng, Zhang, Zhou, Qiu and Liao, Deep equilibrium models are almost equivalent to not-so-deep explicit models for high-dimensional Gaussian mixtures, ICML 2024",
        "Cho and Saul, Kernel methods for deep learning, NeurIPS 2009",
    ),
    diagonal_step_input_gradient=Formula(diagonal_step_input_gradient, ("input_variance",)),
    residual_input_gradient=Formula(residual_input_gradient, ("kxx", "kyy", "cxx", "cyy", "gap", "input_variance")),
)
