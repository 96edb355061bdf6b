# Generated from derivations/deker_poisson_identity.py by `python -m codegen update`; edit that file, not this one.
"""Deep equilibrium kernel, poisson family, natural map z.

slope(z) = 1
activation(z) = exp(z)

Sources: Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023.
"""

import numpy as np

from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter

SPEC = "eb3ffd28280fbf23"


def diagonal_step(kxx, cxx, mean_x, regularisation):
    return (cxx + np.exp(2.0 * kxx) - 2.0 * mean_x * np.exp(0.5 * kxx)) / (regularisation * regularisation)


def diagonal_step_derivative(kxx, mean_x, regularisation):
    return (2.0 * np.exp(2.0 * kxx) - mean_x * np.exp(0.5 * kxx)) / (regularisation * regularisation)


def step(kxx, kyy, kxy, cxy, mean_x, mean_y, regularisation):
    shared_0 = 0.5 * kyy
    shared_1 = 0.5 * kxx
    return (
        (cxy + np.exp(kxy + shared_0 + shared_1) - mean_x * np.exp(shared_0) - mean_y * np.exp(shared_1)) /
            (regularisation * regularisation)
    )


def step_derivative(kxx, kyy, kxy, regularisation):
    return np.exp(0.5 * kxx + kxy + 0.5 * kyy) / (regularisation * regularisation)


def residual(correlation, kxx, kyy, cxy, mean_x, mean_y, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 1.0 / ((regularisation * regularisation) * scale_x * scale_y)
    shared_1 = shared_0 * np.exp(0.5 * kyy)
    shared_2 = np.exp(0.5 * kxx)
    return (
        correlation
        + mean_x * shared_1
        + mean_y * shared_0 * shared_2
        - cxy * shared_0
        - shared_1 * shared_2 * np.exp(kxy)
    )


def residual_derivative(correlation, kxx, kyy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return 1.0 - np.exp(0.5 * kxx + kxy + 0.5 * kyy) / (regularisation * regularisation)


def readout(correlation, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return kxy


def readout_diagonal(kxx):
    return kxx


def diagonal_step_gradient(kxx, cxx, mean_x, regularisation):
    return (
        -2.0 * (cxx + np.exp(2.0 * kxx) - 2.0 * mean_x * np.exp(0.5 * kxx)) / regularisation ** 3,
    )


def residual_gradient(correlation, kxx, kyy, cxy, mean_x, mean_y, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 1.0 / (regularisation * regularisation)
    shared_1 = 1.0 / scale_x ** 3
    shared_2 = 1.0 / scale_y
    shared_3 = 0.5 * shared_0
    shared_4 = shared_1 * shared_2 * shared_3
    shared_5 = np.exp(0.5 * kyy)
    shared_6 = mean_x * shared_5
    shared_7 = np.exp(0.5 * kxx)
    shared_8 = mean_y * shared_7
    shared_9 = 1.0 / scale_x
    shared_10 = np.exp(kxy)
    shared_11 = shared_10 * shared_5 * shared_7
    shared_12 = correlation * shared_11 * shared_3
    shared_13 = shared_3 * shared_9
    shared_14 = shared_11 * shared_13 * shared_2
    shared_15 = 1.0 / scale_y ** 3
    shared_16 = shared_13 * shared_15
    shared_17 = 2.0 * shared_9 / regularisation ** 3
    shared_18 = shared_17 * shared_2
    return (
        0.5 * cxy * shared_0 * shared_1 * shared_2 + 0.5 * mean_y * shared_0 * shared_2 * shared_7 * shared_9 + 0.5
            * shared_0 * shared_1 * shared_10 * shared_2 * shared_5 * shared_7 - shared_14 - shared_4 * shared_6 -
            shared_4 * shared_8 - shared_12 / kxx,
        0.5 * cxy * shared_0 * shared_15 * shared_9 + 0.5 * mean_x * shared_0 * shared_2 * shared_5 * shared_9 + 0.5
            * shared_0 * shared_10 * shared_15 * shared_5 * shared_7 * shared_9 - shared_14 - shared_16 * shared_6 -
            shared_16 * shared_8 - shared_12 / kyy,
        cxy * shared_17 * shared_2 + shared_11 * shared_18 - shared_18 * shared_6 - shared_18 * shared_8,
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
    )


def readout_diagonal_gradient():
    return (
        1.0,
        0.0,
    )


def modulus(kxx, kyy, regularisation):
    return np.exp(kxx) * np.exp(kyy) / (regularisation * regularisation)


def diagonal_step_input_gradient(kxx, regularisation):
    shared_0 = 1.0 / (regularisation * regularisation)
    return (
        shared_0,
        -2.0 * shared_0 * np.exp(0.5 * kxx),
    )


def residual_input_gradient(kxx, kyy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    shared_0 = 1.0 / ((regularisation * regularisation) * scale_x * scale_y)
    return (
        0.0,
        shared_0 * np.exp(0.5 * kyy),
        -shared_0,
    )


KERNEL = Kernel(
    name="deker_poisson_identity",
    summary="deep equilibrium kernel, poisson family, natural map z",
    model="deker",
    parameters=(
        Parameter("regularisation", 0.0, float("inf"), 1.0, "prior precision relative to the likelihood; large values shrink features"),
    ),
    input_names=("cxx", "mean_x"),
    pair_names=("cxy",),
    moments="relu_features",
    chart=Chart.CORRELATION,
    diagonal_step=Formula(diagonal_step, ("kxx", "cxx", "mean_x", "regularisation")),
    diagonal_step_derivative=Formula(diagonal_step_derivative, ("kxx", "mean_x", "regularisation")),
    diagonal_fixed_point=None,
    step=Formula(step, ("kxx", "kyy", "kxy", "cxy", "mean_x", "mean_y", "regularisation")),
    step_derivative=Formula(step_derivative, ("kxx", "kyy", "kxy", "regularisation")),
    residual=Formula(residual, ("correlation", "kxx", "kyy", "cxy", "mean_x", "mean_y", "regularisation")),
    residual_derivative=Formula(residual_derivative, ("correlation", "kxx", "kyy", "regularisation")),
    start=None,
    readout=Formula(readout, ("correlation", "kxx", "kyy")),
    readout_diagonal=Formula(readout_diagonal, ("kxx",)),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx", "mean_x", "regularisation")),
    residual_gradient=Formula(residual_gradient, ("correlation", "kxx", "kyy", "cxy", "mean_x", "mean_y", "regularisation")),
    readout_gradient=Formula(readout_gradient, ("correlation", "kxx", "kyy")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ()),
    claim=Claim.CONTRACTION,
    modulus=Formula(modulus, ("kxx", "kyy", "regularisation")),
    spec=SPEC,
    sources=(
        "Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023",
    ),
    diagonal_step_input_gradient=Formula(diagonal_step_input_gradient, ("kxx", "regularisation")),
    residual_input_gradient=Formula(residual_input_gradient, ("kxx", "kyy", "regularisation")),
)
