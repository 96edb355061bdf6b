# Generated from derivations/deker_gaussian_erf.py by `python -m codegen update`; edit that file, not this one.
"""Deep equilibrium kernel, gaussian family, natural map erf(z).

slope(z) = 2*exp(-z**2)/sqrt(pi)
activation(z) = 2*exp(-z**2)*erf(z)/sqrt(pi)

Sources: Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023; Williams, Computing
with infinite networks, NeurIPS 1996.
"""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter

SPEC = "5e5a14e027f1480d"


def diagonal_step(kxx, cxx, regularisation):
    shared_0 = 1.0 / np.sqrt(4.0 * kxx + 1.0)
    shared_1 = 6.0 * kxx + 1.0
    return (
        (4.0 * cxx * shared_0 / np.pi + 0.8105694691387022 * shared_0 * special.arcsine(shared_1, shared_1, 2.0 *
            kxx)) / (regularisation * regularisation)
    )


def diagonal_step_derivative(kxx, cxx, regularisation):
    shared_0 = 4.0 * kxx + 1.0
    shared_1 = 1.0 / (shared_0 * np.sqrt(shared_0))
    shared_2 = 6.0 * kxx + 1.0
    shared_3 = 2.0 * kxx
    shared_4 = 1.0 / special.rootgap(shared_2, shared_2, shared_3)
    return (
        (0.8105694691387022 * (2.0 * shared_4 - 24.0 * kxx * shared_4 / (12.0 * kxx + 2.0)) / np.sqrt(shared_0) -
            8.0 * cxx * shared_1 / np.pi - 1.6211389382774044 * shared_1 * special.arcsine(shared_2, shared_2,
            shared_3)) / (regularisation * regularisation)
    )


def step(kxx, kyy, kxy, cxy, regularisation):
    shared_0 = 1.0 / special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5)
    shared_1 = 8.0 * kxx * kyy + 1.0 - 8.0 * kxy * kxy
    return (
        (2.0 * cxy * shared_0 / np.pi + 0.4052847345693511 * shared_0 * special.arcsine(2.0 * kxx + 4.0 * kyy +
            shared_1, 4.0 * kxx + 2.0 * kyy + shared_1, 2.0 * kxy)) / (regularisation * regularisation)
    )


def step_derivative(kxx, kyy, kxy, cxy, regularisation):
    shared_0 = special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5)
    shared_1 = kxy / shared_0 ** 3
    shared_2 = kxy * kxy
    shared_3 = special.noisy_rootgap(kxx, kyy, kxy, 0.25, 0.25)
    shared_4 = (
        1.0 / (special.noisy_rootgap(kxx, kyy, kxy, 0.25, 0.5) ** 2 * special.noisy_rootgap(kxx, kyy, kxy, 0.5,
            0.25) ** 2)
    )
    shared_5 = 2.0 * kxx + 1.0
    shared_6 = 2.0 * kyy + 1.0
    shared_7 = 8.0 * kxx * kyy - 8.0 * shared_2
    return (
        (2.0 * cxy * shared_1 / np.pi + 0.4052847345693511 * shared_1 * special.arcsine(4.0 * kyy + shared_5 +
            shared_7, 4.0 * kxx + shared_6 + shared_7, 2.0 * kxy) + 0.10132118364233778 * shared_2 * shared_4 / shared_3
            + 0.025330295910584444 * shared_3 * shared_4 * shared_5 * shared_6 / (shared_0 * shared_0)) /
            (regularisation * regularisation)
    )


def residual(correlation, kxx, kyy, cxy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = (
        1.0 / ((regularisation * regularisation) * scale_x * scale_y * special.noisy_rootgap(kxx, kyy, kxy, 0.5,
            0.5))
    )
    shared_1 = 8.0 * kxx * kyy
    shared_2 = shared_1 + 1.0 - correlation * correlation * shared_1
    return (
        correlation
        - 2.0 * cxy * shared_0 / np.pi
        - 0.4052847345693511 * shared_0 * special.arcsine(2.0 * kxx + 4.0 * kyy + shared_2, 4.0 * kxx + 2.0 * kyy +
            shared_2, 2.0 * kxy)
    )


def residual_derivative(correlation, kxx, kyy, cxy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5)
    shared_1 = kxy / shared_0 ** 3
    shared_2 = correlation * correlation
    shared_3 = special.noisy_rootgap(kxx, kyy, kxy, 0.25, 0.25)
    shared_4 = kxx * kyy
    shared_5 = (
        1.0 / (special.noisy_rootgap(kxx, kyy, kxy, 0.25, 0.5) ** 2 * special.noisy_rootgap(kxx, kyy, kxy, 0.5,
            0.25) ** 2)
    )
    shared_6 = 2.0 * kxx + 1.0
    shared_7 = 2.0 * kyy + 1.0
    shared_8 = 8.0 * shared_4
    shared_9 = shared_8 - shared_2 * shared_8
    return (
        1.0
        - (2.0 * cxy * shared_1 / np.pi + 0.4052847345693511 * shared_1 * special.arcsine(4.0 * kyy + shared_6 +
            shared_9, 4.0 * kxx + shared_7 + shared_9, 2.0 * kxy) + 0.10132118364233778 * shared_2 * shared_4 * shared_5
            / shared_3 + 0.025330295910584444 * shared_3 * shared_5 * shared_6 * shared_7 / (shared_0 * shared_0)) /
            (regularisation * regularisation)
    )


def readout(correlation, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return kxy


def readout_diagonal(kxx):
    return kxx


def diagonal_step_gradient(kxx, cxx, regularisation):
    shared_0 = 1.0 / np.sqrt(4.0 * kxx + 1.0)
    shared_1 = 6.0 * kxx + 1.0
    return (
        -2.0 * (4.0 * cxx * shared_0 / np.pi + 0.8105694691387022 * shared_0 * special.arcsine(shared_1, shared_1,
            2.0 * kxx)) / regularisation ** 3,
    )


def residual_gradient(correlation, kxx, kyy, cxy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 1.0 / (regularisation * regularisation)
    shared_1 = 1.0 / scale_x ** 3
    shared_2 = 1.0 / scale_y
    shared_3 = special.noisy_rootgap(kxx, kyy, kxy, 0.5, 0.5)
    shared_4 = 1.0 / shared_3
    shared_5 = 0.5 * kyy
    shared_6 = correlation * correlation
    shared_7 = shared_4 * shared_6
    shared_8 = shared_0 / (shared_3 * shared_3)
    shared_9 = shared_8 * (shared_5 * shared_7 - shared_4 * (shared_5 + 0.25))
    shared_10 = 1.0 / scale_x
    shared_11 = cxy * shared_10 * shared_2
    shared_12 = 2.0 * shared_11 / np.pi
    shared_13 = 4.0 * kyy
    shared_14 = 8.0 * kyy
    shared_15 = kxx * shared_14
    shared_16 = shared_15 + 1.0 - shared_15 * shared_6
    shared_17 = 2.0 * kxx + shared_13 + shared_16
    shared_18 = 4.0 * kxx
    shared_19 = 2.0 * kyy + shared_16 + shared_18
    shared_20 = 2.0 * kxy
    shared_21 = special.arcsine(shared_17, shared_19, shared_20)
    shared_22 = 0.4052847345693511 * shared_10
    shared_23 = shared_2 * shared_21
    shared_24 = shared_22 * shared_23
    shared_25 = 1.0 / special.rootgap(shared_17, shared_19, shared_20)
    shared_26 = shared_14 - shared_14 * shared_6
    shared_27 = 16.0 * kxx * kyy
    shared_28 = shared_27 + 2.0 - shared_27 * shared_6
    shared_29 = shared_20 * shared_25
    shared_30 = shared_29 / (shared_14 + shared_18 + shared_28)
    shared_31 = 8.0 * kxx
    shared_32 = shared_29 / (shared_13 + shared_28 + shared_31)
    shared_33 = shared_0 * shared_2 * shared_22 * shared_4
    shared_34 = 1.0 / scale_y ** 3
    shared_35 = 0.5 * kxx
    shared_36 = shared_8 * (shared_35 * shared_7 - shared_4 * (shared_35 + 0.25))
    shared_37 = shared_31 - shared_31 * shared_6
    shared_38 = shared_4 / regularisation ** 3
    return (
        cxy * shared_0 * shared_1 * shared_2 * shared_4 / np.pi + 0.20264236728467555 * shared_0 * shared_1 *
            shared_2 * shared_21 * shared_4 - shared_12 * shared_9 - shared_24 * shared_9 - shared_33 * (correlation *
            scale_y * shared_10 * shared_25 - shared_30 * (shared_26 + 2.0) - shared_32 * (shared_26 + 4.0)),
        cxy * shared_0 * shared_10 * shared_34 * shared_4 / np.pi + 0.20264236728467555 * shared_0 * shared_10 *
            shared_21 * shared_34 * shared_4 - shared_12 * shared_36 - shared_24 * shared_36 - shared_33 * (correlation
            * scale_x * shared_2 * shared_25 - shared_30 * (shared_37 + 4.0) - shared_32 * (shared_37 + 2.0)),
        0.8105694691387022 * shared_10 * shared_23 * shared_38 + 4.0 * shared_11 * shared_38 / np.pi,
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


def modulus(kxx, kyy, cxx, cyy, regularisation):
    shared_0 = 4.0 * kxx + 1.0
    shared_1 = kxx / (shared_0 * np.sqrt(shared_0))
    shared_2 = 6.0 * kxx + 1.0
    shared_3 = 4.0 * kyy + 1.0
    shared_4 = kyy / (shared_3 * np.sqrt(shared_3))
    shared_5 = 6.0 * kyy + 1.0
    return (
        np.sqrt(16.0 * cxx * shared_1 / np.pi + 3.242277876554809 * shared_1 * special.arcsine(shared_2, shared_2,
            2.0 * kxx) + 1.6211389382774044 * (16.0 * kxx * kxx + shared_2) / (shared_0 * shared_2 * np.sqrt(8.0 * kxx +
            1.0))) * np.sqrt(16.0 * cyy * shared_4 / np.pi + 3.242277876554809 * shared_4 * special.arcsine(shared_5,
            shared_5, 2.0 * kyy) + 1.6211389382774044 * (16.0 * kyy * kyy + shared_5) / (shared_3 * shared_5 *
            np.sqrt(8.0 * kyy + 1.0))) / (regularisation * regularisation)
    )


def diagonal_step_input_gradient(kxx, regularisation):
    return (
        4.0 / (np.pi * (regularisation * regularisation) * np.sqrt(4.0 * kxx + 1.0)),
        0.0,
    )


def residual_input_gradient(correlation, kxx, kyy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return (
        0.0,
        0.0,
        -2.0 / (np.pi * (regularisation * regularisation) * scale_x * scale_y * special.noisy_rootgap(kxx, kyy, kxy,
            0.5, 0.5)),
    )


KERNEL = Kernel(
    name="deker_gaussian_erf",
    summary="deep equilibrium kernel, gaussian family, natural map erf(z)",
    model="deker",
    parameters=(
        Parameter("regularisation", 0.0, float("inf"), 1.0, "prior precision relative to the likelihood; large values shrink features"),
    ),
    input_names=("cxx", "mean_x"),
    pair_names=("cxy",),
    moments="linear",
    chart=Chart.CORRELATION,
    diagonal_step=Formula(diagonal_step, ("kxx", "cxx", "regularisation")),
    diagonal_step_derivative=Formula(diagonal_step_derivative, ("kxx", "cxx", "regularisation")),
    diagonal_fixed_point=None,
    step=Formula(step, ("kxx", "kyy", "kxy", "cxy", "regularisation")),
    step_derivative=Formula(step_derivative, ("kxx", "kyy", "kxy", "cxy", "regularisation")),
    residual=Formula(residual, ("correlation", "kxx", "kyy", "cxy", "regularisation")),
    residual_derivative=Formula(residual_derivative, ("correlation", "kxx", "kyy", "cxy", "regularisation")),
    start=None,
    readout=Formula(readout, ("correlation", "kxx", "kyy")),
    readout_diagonal=Formula(readout_diagonal, ("kxx",)),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx", "regularisation")),
    residual_gradient=Formula(residual_gradient, ("correlation", "kxx", "kyy", "cxy", "regularisation")),
    readout_gradient=Formula(readout_gradient, ("correlation", "kxx", "kyy")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ()),
    claim=Claim.CONTRACTION,
    modulus=Formula(modulus, ("kxx", "kyy", "cxx", "cyy", "regularisation")),
    spec=SPEC,
    sources=(
        "Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023",
        "Williams, Computing with infinite networks, NeurIPS 1996",
    ),
    diagonal_step_input_gradient=Formula(diagonal_step_input_gradient, ("kxx", "regularisation")),
    residual_input_gradient=Formula(residual_input_gradient, ("correlation", "kxx", "kyy", "regularisation")),
)
