# Generated from derivations/deker_gamma_log.py by `python -m codegen update`; edit that file, not this one.
"""Deep equilibrium kernel, gamma family, natural map -exp(-z).

slope(z) = exp(-z)
activation(z) = shape

Sources: Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023.
"""

import numpy as np

from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter

SPEC = "1a8d3733a3a66e37"


def diagonal_step(kxx, cxx, mean_x, regularisation, shape):
    return (
        (cxx * np.exp(2.0 * kxx) + shape * shape - 2.0 * mean_x * shape * np.exp(0.5 * kxx)) / (regularisation *
            regularisation)
    )


def diagonal_step_derivative(kxx, cxx, mean_x, regularisation, shape):
    return (2.0 * cxx * np.exp(2.0 * kxx) - mean_x * shape * np.exp(0.5 * kxx)) / (regularisation * regularisation)


def step(kxx, kyy, kxy, cxy, mean_x, mean_y, regularisation, shape):
    shared_0 = 0.5 * kxx
    shared_1 = 0.5 * kyy
    return (
        (cxy * np.exp(kxy + shared_0 + shared_1) + shape * shape - mean_x * shape * np.exp(shared_0) - mean_y *
            shape * np.exp(shared_1)) / (regularisation * regularisation)
    )


def step_derivative(kxx, kyy, kxy, cxy, regularisation):
    return cxy * np.exp(0.5 * kxx + kxy + 0.5 * kyy) / (regularisation * regularisation)


def residual(correlation, kxx, kyy, cxy, mean_x, mean_y, regularisation, shape):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 1.0 / ((regularisation * regularisation) * scale_x * scale_y)
    shared_1 = np.exp(0.5 * kxx)
    shared_2 = shape * shared_0
    shared_3 = np.exp(0.5 * kyy)
    return (
        correlation
        + mean_x * shared_1 * shared_2
        + mean_y * shared_2 * shared_3
        - cxy * shared_0 * shared_1 * shared_3 * np.exp(kxy)
        - shape * shape * shared_0
    )


def residual_derivative(correlation, kxx, kyy, cxy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return 1.0 - cxy * np.exp(0.5 * kxx + kxy + 0.5 * kyy) / (regularisation * regularisation)


def readout(correlation, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return kxy


def readout_diagonal(kxx):
    return kxx


def diagonal_step_gradient(kxx, cxx, mean_x, regularisation, shape):
    shared_0 = mean_x * np.exp(0.5 * kxx)
    return (
        -2.0 * (cxx * np.exp(2.0 * kxx) + shape * shape - 2.0 * shape * shared_0) / regularisation ** 3,
        (2.0 * shape - 2.0 * shared_0) / (regularisation * regularisation),
    )


def residual_gradient(correlation, kxx, kyy, cxy, mean_x, mean_y, regularisation, shape):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 1.0 / (regularisation * regularisation)
    shared_1 = 1.0 / scale_x ** 3
    shared_2 = 1.0 / scale_y
    shared_3 = shape * shape
    shared_4 = 0.5 * shared_0
    shared_5 = shared_1 * shared_4
    shared_6 = np.exp(0.5 * kxx)
    shared_7 = mean_x * shared_6
    shared_8 = shape * shared_2
    shared_9 = shared_7 * shared_8
    shared_10 = 1.0 / scale_x
    shared_11 = np.exp(0.5 * kyy)
    shared_12 = mean_y * shared_11
    shared_13 = shared_12 * shared_8
    shared_14 = np.exp(kxy)
    shared_15 = cxy * shared_11 * shared_14 * shared_6
    shared_16 = correlation * shared_15 * shared_4
    shared_17 = shared_10 * shared_4
    shared_18 = shared_15 * shared_2
    shared_19 = shared_17 * shared_18
    shared_20 = 1.0 / scale_y ** 3
    shared_21 = shape * shared_17 * shared_20
    shared_22 = 2.0 * shared_10
    shared_23 = shared_22 / regularisation ** 3
    shared_24 = shared_0 * shared_2
    shared_25 = shared_10 * shared_24
    return (
        0.5 * cxy * shared_0 * shared_1 * shared_11 * shared_14 * shared_2 * shared_6 + 0.5 * mean_x * shape *
            shared_0 * shared_10 * shared_2 * shared_6 + 0.5 * shared_0 * shared_1 * shared_2 * shared_3 - shared_13 *
            shared_5 - shared_19 - shared_5 * shared_9 - shared_16 / kxx,
        0.5 * cxy * shared_0 * shared_10 * shared_11 * shared_14 * shared_20 * shared_6 + 0.5 * mean_y * shape *
            shared_0 * shared_10 * shared_11 * shared_2 + 0.5 * shared_0 * shared_10 * shared_20 * shared_3 - shared_12
            * shared_21 - shared_19 - shared_21 * shared_7 - shared_16 / kyy,
        shared_18 * shared_23 + shared_2 * shared_23 * shared_3 - shared_13 * shared_23 - shared_23 * shared_9,
        shared_12 * shared_25 + shared_25 * shared_7 - shape * shared_22 * shared_24,
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
    )


def readout_diagonal_gradient():
    return (
        1.0,
        0.0,
        0.0,
    )


def modulus(kxx, kyy, cxx, cyy, regularisation):
    norm_x = np.sqrt(cxx)
    norm_y = np.sqrt(cyy)
    return norm_x * norm_y * np.exp(kxx) * np.exp(kyy) / (regularisation * regularisation)


def diagonal_step_input_gradient(kxx, regularisation, shape):
    shared_0 = 1.0 / (regularisation * regularisation)
    return (
        shared_0 * np.exp(2.0 * kxx),
        -2.0 * shape * shared_0 * np.exp(0.5 * kxx),
    )


def residual_input_gradient(correlation, kxx, kyy, regularisation, shape):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = np.exp(0.5 * kxx) / ((regularisation * regularisation) * scale_x * scale_y)
    return (
        0.0,
        shape * shared_0,
        -shared_0 * np.exp(kxy) * np.exp(0.5 * kyy),
    )


KERNEL = Kernel(
    name="deker_gamma_log",
    summary="deep equilibrium kernel, gamma family, natural map -exp(-z)",
    model="deker",
    parameters=(
        Parameter("regularisation", 0.0, float("inf"), 1.0, "prior precision relative to the likelihood; large values shrink features"),
        Parameter("shape", 0.0, float("inf"), 1.0, "of the family"),
    ),
    input_names=("cxx", "mean_x"),
    pair_names=("cxy",),
    moments="relu_features",
    chart=Chart.CORRELATION,
    diagonal_step=Formula(diagonal_step, ("kxx", "cxx", "mean_x", "regularisation", "shape")),
    diagonal_step_derivative=Formula(diagonal_step_derivative, ("kxx", "cxx", "mean_x", "regularisation", "shape")),
    diagonal_fixed_point=None,
    step=Formula(step, ("kxx", "kyy", "kxy", "cxy", "mean_x", "mean_y", "regularisation", "shape")),
    step_derivative=Formula(step_derivative, ("kxx", "kyy", "kxy", "cxy", "regularisation")),
    residual=Formula(residual, ("correlation", "kxx", "kyy", "cxy", "mean_x", "mean_y", "regularisation", "shape")),
    residual_derivative=Formula(residual_derivative, ("correlation", "kxx", "kyy", "cxy", "regularisation")),
    start=None,
    readout=Formula(readout, ("correlation", "kxx", "kyy")),
    readout_diagonal=Formula(readout_diagonal, ("kxx",)),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx", "mean_x", "regularisation", "shape")),
    residual_gradient=Formula(residual_gradient, ("correlation", "kxx", "kyy", "cxy", "mean_x", "mean_y", "regularisation", "shape")),
    readout_gradient=Formula(readout_gradient, ("correlation", "kxx", "kyy")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ()),
    claim=Claim.CONTRACTION,
    modulus=Formula(modulus, ("kxx", "kyy", "cxx", "cyy", "regularisation")),
    spec=SPEC,
    sources=(
        "Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023",
    ),
    diagonal_step_input_gradient=Formula(diagonal_step_input_gradient, ("kxx", "regularisation", "shape")),
    residual_input_gradient=Formula(residual_input_gradient, ("correlation", "kxx", "kyy", "regularisation", "shape")),
)
