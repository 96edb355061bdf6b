# Generated from derivations/deker_gaussian_relu.py by `python -m codegen update`; edit that file, not this one.
"""Deep equilibrium kernel, gaussian family, natural map relu(z).

slope(z) = step(z)
activation(z) = relu(z)

Sources: Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023; Cho and Saul, Kernel
methods for deep learning, NeurIPS 2009.
"""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter

SPEC = "79c0386c2e1bea6c"


def diagonal_step(kxx, cxx, mean_x, regularisation):
    scale_x = np.sqrt(kxx)
    return (0.5 * cxx + 0.5 * kxx - 0.7978845608028654 * mean_x * scale_x) / (regularisation * regularisation)


def diagonal_step_derivative(kxx, mean_x, regularisation):
    scale_x = np.sqrt(kxx)
    return (0.5 - 0.3989422804014327 * mean_x / scale_x) / (regularisation * regularisation)


def diagonal_fixed_point(cxx, mean_x, regularisation):
    return (
        special.quadratic_root(regularisation * regularisation - 0.5, 0.7978845608028654 * mean_x, -0.5 * cxx) ** 2
    )


def step(kxx, kyy, kxy, cxy, mean_x, mean_y, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    shared_0 = special.arcsine(kxx, kyy, kxy) / (2.0 * np.pi)
    shared_1 = 0.19947114020071635 * kxy
    return (
        (cxy * (shared_0 + 0.25) + kxy * shared_0 + 0.25 * kxy + special.rootgap(kxx, kyy, kxy) / (2.0 * np.pi) -
            mean_x * (0.19947114020071635 * scale_y + shared_1 / scale_x) - mean_y * (0.19947114020071635 * scale_x +
            shared_1 / scale_y)) / (regularisation * regularisation)
    )


def step_derivative(kxx, kyy, kxy, cxy, mean_x, mean_y, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    return (
        (cxy / ((2.0 * np.pi) * special.rootgap(kxx, kyy, kxy)) + special.arcsine(kxx, kyy, kxy) / (2.0 * np.pi) +
            0.25 - 0.19947114020071635 * mean_x / scale_x - 0.19947114020071635 * mean_y / scale_y) / (regularisation *
            regularisation)
    )


def residual(angle, kxx, kyy, cxy, mean_x, mean_y, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    shared_0 = 1.0 / (regularisation * regularisation)
    shared_1 = cosine * shared_0
    shared_2 = 0.19947114020071635 * shared_0
    shared_3 = 1.0 / scale_x
    shared_4 = mean_x * shared_3
    shared_5 = 1.0 / scale_y
    shared_6 = mean_y * shared_5
    shared_7 = 0.19947114020071635 * shared_1
    return (
        0.5 * cosine * shared_0
        + 0.5 * cxy * shared_0 * shared_3 * shared_5
        + shared_0 * sine / (2.0 * np.pi)
        - angle * cxy * shared_0 * shared_3 * shared_5 / (2.0 * np.pi)
        - angle * shared_1 / (2.0 * np.pi)
        - cosine
        - shared_2 * shared_4
        - shared_2 * shared_6
        - shared_4 * shared_7
        - shared_6 * shared_7
    )


def residual_derivative(angle, kxx, kyy, cxy, mean_x, mean_y, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    sine = np.sin(angle)
    shared_0 = 1.0 / (regularisation * regularisation)
    shared_1 = shared_0 * sine
    shared_2 = 1.0 / scale_x
    shared_3 = 0.19947114020071635 * shared_1
    shared_4 = 1.0 / scale_y
    return (
        angle * shared_1 / (2.0 * np.pi)
        + mean_x * shared_2 * shared_3
        + mean_y * shared_3 * shared_4
        + sine
        - cxy * shared_0 * shared_2 * shared_4 / (2.0 * np.pi)
        - 0.5 * shared_1
    )


def start(kxx, kyy, mean_x, mean_y, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    shared_0 = (
        6.283185307179586 * (regularisation * regularisation + 0.19947114020071635 * (mean_x / scale_x + mean_y /
            scale_y))
    )
    return (
        np.pi
        - np.arctan(shared_0 - np.arctan(shared_0 - np.arctan(shared_0 - np.arctan(shared_0 - np.arctan(shared_0 -
            1.3)))))
    )


def readout(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    kxy = cosine * scale_x * scale_y
    return kxy


def readout_diagonal(kxx):
    return kxx


def diagonal_step_gradient(kxx, cxx, mean_x, regularisation):
    scale_x = np.sqrt(kxx)
    return (
        -2.0 * (0.5 * cxx + 0.5 * kxx - 0.7978845608028654 * mean_x * scale_x) / regularisation ** 3,
    )


def residual_gradient(angle, kxx, kyy, cxy, mean_x, mean_y, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    shared_0 = 1.0 / scale_x ** 3
    shared_1 = 1.0 / (regularisation * regularisation)
    shared_2 = 0.09973557010035818 * shared_1
    shared_3 = mean_x * shared_0 * shared_2
    shared_4 = 0.25 * shared_1
    shared_5 = 1.0 / scale_y
    shared_6 = cxy * shared_5
    shared_7 = shared_0 * shared_6
    shared_8 = angle * shared_1 / (4.0 * np.pi)
    shared_9 = 1.0 / scale_y ** 3
    shared_10 = mean_y * shared_2 * shared_9
    shared_11 = 1.0 / scale_x
    shared_12 = cxy * shared_11 * shared_9
    shared_13 = 1.0 / regularisation ** 3
    shared_14 = cosine * shared_13
    shared_15 = shared_13 / np.pi
    shared_16 = 0.3989422804014327 * shared_13
    shared_17 = mean_x * shared_11
    shared_18 = mean_y * shared_5
    shared_19 = 0.3989422804014327 * shared_14
    shared_20 = shared_11 * shared_6
    return (
        cosine * shared_3 + shared_3 + shared_7 * shared_8 - shared_4 * shared_7,
        cosine * shared_10 + shared_10 + shared_12 * shared_8 - shared_12 * shared_4,
        angle * shared_14 / np.pi + angle * shared_15 * shared_20 + shared_16 * shared_17 + shared_16 * shared_18 +
            shared_17 * shared_19 + shared_18 * shared_19 - shared_13 * shared_20 - shared_14 - shared_15 * sine,
    )


def readout_gradient(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    shared_0 = 0.5 * cosine
    return (
        -scale_x * scale_y * sine,
        scale_y * shared_0 / scale_x,
        scale_x * shared_0 / scale_y,
        0.0,
    )


def readout_diagonal_gradient():
    return (
        1.0,
        0.0,
    )


def diagonal_step_input_gradient(kxx, regularisation):
    scale_x = np.sqrt(kxx)
    shared_0 = 1.0 / (regularisation * regularisation)
    return (
        0.5 * shared_0,
        -0.7978845608028654 * scale_x * shared_0,
    )


def residual_input_gradient(angle, kxx, kyy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    shared_0 = 1.0 / scale_x
    shared_1 = 1.0 / (regularisation * regularisation)
    shared_2 = shared_0 * shared_1
    shared_3 = 0.19947114020071635 * shared_2
    shared_4 = 1.0 / scale_y
    return (
        0.0,
        -cosine * shared_3 - shared_3,
        0.5 * shared_0 * shared_1 * shared_4 - angle * shared_2 * shared_4 / (2.0 * np.pi),
    )


KERNEL = Kernel(
    name="deker_gaussian_relu",
    summary="deep equilibrium kernel, gaussian family, natural map relu(z)",
    model="deker",
    parameters=(
        Parameter("regularisation", 0.0, float("inf"), 1.0, "prior precision relative to the likelihood; large values shrink features"),
    ),
    input_names=("cxx", "mean_x"),
    pair_names=("cxy",),
    moments="relu_features",
    chart=Chart.ANGLE,
    diagonal_step=Formula(diagonal_step, ("kxx", "cxx", "mean_x", "regularisation")),
    diagonal_step_derivative=Formula(diagonal_step_derivative, ("kxx", "mean_x", "regularisation")),
    diagonal_fixed_point=Formula(diagonal_fixed_point, ("cxx", "mean_x", "regularisation")),
    step=Formula(step, ("kxx", "kyy", "kxy", "cxy", "mean_x", "mean_y", "regularisation")),
    step_derivative=Formula(step_derivative, ("kxx", "kyy", "kxy", "cxy", "mean_x", "mean_y", "regularisation")),
    residual=Formula(residual, ("angle", "kxx", "kyy", "cxy", "mean_x", "mean_y", "regularisation")),
    residual_derivative=Formula(residual_derivative, ("angle", "kxx", "kyy", "cxy", "mean_x", "mean_y", "regularisation")),
    start=Formula(start, ("kxx", "kyy", "mean_x", "mean_y", "regularisation")),
    readout=Formula(readout, ("angle", "kxx", "kyy")),
    readout_diagonal=Formula(readout_diagonal, ("kxx",)),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx", "mean_x", "regularisation")),
    residual_gradient=Formula(residual_gradient, ("angle", "kxx", "kyy", "cxy", "mean_x", "mean_y", "regularisation")),
    readout_gradient=Formula(readout_gradient, ("angle", "kxx", "kyy")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ()),
    claim=Claim.UNIQUE_ROOT,
    modulus=None,
    spec=SPEC,
    sources=(
        "Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023",
        "Cho and Saul, Kernel methods for deep learning, NeurIPS 2009",
    ),
    diagonal_step_input_gradient=Formula(diagonal_step_input_gradient, ("kxx", "regularisation")),
    residual_input_gradient=Formula(residual_input_gradient, ("angle", "kxx", "kyy", "regularisation")),
)
