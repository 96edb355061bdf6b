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
    shared_0 = 4.0 * kxx + 1.0
    shared_1 = 2.0 * kxx
    shared_2 = shared_1 + 1.0
    shared_3 = 1.0 / shared_0
    shared_4 = kxx * shared_3
    shared_5 = 0.5 * shared_3 + 3.0 * shared_4
    return (
        (4.0 * cxx / (np.pi * np.sqrt(shared_0)) + 0.8105694691387022 * special.arcsine(shared_5, shared_5,
            shared_4) / special.rootgap(shared_2, shared_2, shared_1)) / (regularisation * regularisation)
    )


def diagonal_step_derivative(kxx, cxx, regularisation):
    shared_0 = 4.0 * kxx
    shared_1 = shared_0 + 1.0
    shared_2 = 2.0 * kxx
    shared_3 = shared_2 + 1.0
    shared_4 = special.rootgap(shared_3, shared_3, shared_2)
    shared_5 = 1.0 / shared_4
    shared_6 = 1.0 / shared_1
    shared_7 = kxx * shared_6
    shared_8 = 0.5 * shared_6 + 3.0 * shared_7
    shared_9 = 1.0 / (shared_1 * shared_1)
    shared_10 = 1.0 / special.rootgap(shared_8, shared_8, shared_7)
    return (
        (0.8105694691387022 * shared_5 * (shared_10 * (shared_6 - shared_0 * shared_9) - shared_10 * shared_2 *
            shared_6 * (3.0 * shared_6 - 12.0 * kxx * shared_9 - 2.0 * shared_9) / (shared_6 + 6.0 * shared_7)) +
            0.8105694691387022 * (shared_0 * shared_5 - 4.0 * shared_5 * (kxx + 0.5)) * special.arcsine(shared_8,
            shared_8, shared_7) / (shared_4 * shared_4) - 8.0 * cxx / (np.pi * (shared_1 * np.sqrt(shared_1)))) /
            (regularisation * regularisation)
    )


def step(kxx, kyy, kxy, cxy, regularisation):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    shared_2 = 2.0 * kyy
    shared_3 = 1.0 / special.rootgap(shared_1, shared_2 + 1.0, 2.0 * kxy)
    shared_4 = 4.0 * kxy * kxy
    shared_5 = 4.0 * kxx
    shared_6 = 1.0 / (kyy * shared_5 + shared_1 + shared_2 - shared_4)
    shared_7 = kyy * shared_6
    shared_8 = shared_5 * shared_7 + 0.5 * shared_6 - shared_4 * shared_6
    return (
        (4.0 * cxy * shared_3 / np.pi + 0.8105694691387022 * shared_3 * special.arcsine(shared_0 * shared_6 +
            shared_7 + shared_8, kxx * shared_6 + shared_2 * shared_6 + shared_8, kxy * shared_6)) / (regularisation *
            regularisation)
    )


def step_derivative(kxx, kyy, kxy, cxy, regularisation):
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    shared_2 = 2.0 * kyy
    shared_3 = shared_2 + 1.0
    shared_4 = special.rootgap(shared_1, shared_3, 2.0 * kxy)
    shared_5 = 1.0 / shared_4
    shared_6 = kxy * kxy
    shared_7 = 4.0 * shared_6
    shared_8 = 4.0 * kyy
    shared_9 = 1.0 / (kxx * shared_8 + shared_1 + shared_2 - shared_7)
    shared_10 = kxy * shared_9
    shared_11 = shared_10 * shared_5
    shared_12 = 4.0 * kxx
    shared_13 = special.rootgap(shared_12 + 1.0, shared_8 + 1.0, 4.0 * kxy)
    shared_14 = 8.0 * kxx * kyy - 8.0 * shared_6
    shared_15 = shared_5 / ((shared_1 + shared_14 + shared_8) * (shared_12 + shared_14 + shared_3))
    shared_16 = kxx * shared_9
    shared_17 = shared_16 * shared_8 + 0.5 * shared_9 - shared_7 * shared_9
    return (
        (16.0 * cxy * shared_11 / np.pi + 3.242277876554809 * shared_11 * special.arcsine(kyy * shared_9 + shared_0
            * shared_9 + shared_17, shared_16 + shared_17 + shared_2 * shared_9, shared_10) + shared_4 *
            (1.6211389382774044 * shared_1 * shared_13 * shared_15 * shared_3 * shared_9 + 25.93822301243847 * shared_15
            * shared_6 / shared_13)) / (regularisation * regularisation)
    )


def residual(correlation, kxx, kyy, cxy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    shared_2 = 2.0 * kyy
    shared_3 = (
        1.0 / ((regularisation * regularisation) * scale_x * scale_y * special.rootgap(shared_1, shared_2 + 1.0, 2.0
            * kxy))
    )
    shared_4 = 4.0 * kxx
    shared_5 = kyy * shared_4
    shared_6 = correlation * correlation
    shared_7 = 1.0 / (shared_1 + shared_2 + shared_5 - shared_5 * shared_6)
    shared_8 = kyy * shared_7
    shared_9 = 8.0 * kxx * kyy
    shared_10 = shared_4 * shared_8
    shared_11 = (
        shared_10
        + 1.0 / (4.0 * kyy + shared_4 + shared_9 + 2.0 - shared_6 * shared_9)
        - shared_10 * shared_6
    )
    return (
        correlation
        - 4.0 * cxy * shared_3 / np.pi
        - 0.8105694691387022 * shared_3 * special.arcsine(shared_0 * shared_7 + shared_11 + shared_8, kxx * shared_7
            + shared_11 + shared_2 * shared_7, kxy * shared_7)
    )


def residual_derivative(correlation, kxx, kyy, cxy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 2.0 * kxx
    shared_1 = shared_0 + 1.0
    shared_2 = 2.0 * kyy
    shared_3 = shared_2 + 1.0
    shared_4 = special.rootgap(shared_1, shared_3, 2.0 * kxy)
    shared_5 = 1.0 / shared_4
    shared_6 = 4.0 * kyy
    shared_7 = kxx * shared_6
    shared_8 = correlation * correlation
    shared_9 = 1.0 / (shared_1 + shared_2 + shared_7 - shared_7 * shared_8)
    shared_10 = kxy * shared_9
    shared_11 = shared_10 * shared_5
    shared_12 = 4.0 * kxx
    shared_13 = special.rootgap(shared_12 + 1.0, shared_6 + 1.0, 4.0 * kxy)
    shared_14 = kxx * kyy
    shared_15 = 8.0 * shared_14
    shared_16 = shared_15 - shared_15 * shared_8
    shared_17 = shared_5 / ((shared_1 + shared_16 + shared_6) * (shared_12 + shared_16 + shared_3))
    shared_18 = kxx * shared_9
    shared_19 = shared_18 * shared_6
    shared_20 = shared_19 + 0.5 * shared_9 - shared_19 * shared_8
    return (
        1.0
        - (16.0 * cxy * shared_11 / np.pi + 3.242277876554809 * shared_11 * special.arcsine(kyy * shared_9 +
            shared_0 * shared_9 + shared_20, shared_18 + shared_2 * shared_9 + shared_20, shared_10) + shared_4 *
            (1.6211389382774044 * shared_1 * shared_13 * shared_17 * shared_3 * shared_9 + 25.93822301243847 * shared_14
            * shared_17 * shared_8 / shared_13)) / (regularisation * regularisation)
    )


def readout(correlation, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return kxy


def readout_diagonal(kxx):
    return kxx


def diagonal_step_gradient(kxx, cxx, regularisation):
    shared_0 = 4.0 * kxx + 1.0
    shared_1 = 2.0 * kxx
    shared_2 = shared_1 + 1.0
    shared_3 = 1.0 / shared_0
    shared_4 = kxx * shared_3
    shared_5 = 0.5 * shared_3 + 3.0 * shared_4
    return (
        -2.0 * (4.0 * cxx / (np.pi * np.sqrt(shared_0)) + 0.8105694691387022 * special.arcsine(shared_5, shared_5,
            shared_4) / special.rootgap(shared_2, shared_2, shared_1)) / regularisation ** 3,
    )


def residual_gradient(correlation, kxx, kyy, cxy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    shared_0 = 1.0 / (regularisation * regularisation)
    shared_1 = 1.0 / scale_x ** 3
    shared_2 = 1.0 / scale_y
    shared_3 = 2.0 * kxx
    shared_4 = shared_3 + 1.0
    shared_5 = 2.0 * kyy
    shared_6 = special.rootgap(shared_4, shared_5 + 1.0, 2.0 * kxy)
    shared_7 = 1.0 / shared_6
    shared_8 = 2.0 * shared_7
    shared_9 = correlation * correlation
    shared_10 = shared_7 * shared_9
    shared_11 = shared_0 / (shared_6 * shared_6)
    shared_12 = shared_11 * (shared_10 * shared_5 - shared_8 * (kyy + 0.5))
    shared_13 = 1.0 / scale_x
    shared_14 = cxy * shared_13 * shared_2
    shared_15 = 4.0 * shared_14 / np.pi
    shared_16 = 4.0 * kxx
    shared_17 = kyy * shared_16
    shared_18 = shared_17 * shared_9
    shared_19 = shared_17 + shared_4 + shared_5 - shared_18
    shared_20 = 1.0 / shared_19
    shared_21 = kyy * shared_20
    shared_22 = shared_20 * shared_3
    shared_23 = 8.0 * kyy
    shared_24 = kxx * shared_23
    shared_25 = 4.0 * kyy
    shared_26 = shared_25 + 2.0
    shared_27 = shared_16 + shared_24 + shared_26 - shared_24 * shared_9
    shared_28 = 1.0 / shared_27
    shared_29 = shared_16 * shared_21 + shared_28 - shared_16 * shared_21 * shared_9
    shared_30 = shared_21 + shared_22 + shared_29
    shared_31 = shared_20 * shared_5
    shared_32 = kxx * shared_20 + shared_29 + shared_31
    shared_33 = kxy * shared_20
    shared_34 = special.arcsine(shared_30, shared_32, shared_33)
    shared_35 = 0.8105694691387022 * shared_13
    shared_36 = shared_2 * shared_34
    shared_37 = shared_35 * shared_36
    shared_38 = 0.5 * correlation * shared_20
    shared_39 = 1.0 / (shared_19 * shared_19)
    shared_40 = shared_39 * (4.0 * kyy * shared_9 - shared_26)
    shared_41 = 1.0 / special.rootgap(shared_30, shared_32, shared_33)
    shared_42 = shared_20 * shared_25
    shared_43 = 1.0 / (shared_27 * shared_27)
    shared_44 = (
        shared_17 * shared_40
        + shared_42
        + shared_43 * (8.0 * kyy * shared_9 - shared_23 - 4.0)
        - shared_18 * shared_40
        - shared_20 * shared_25 * shared_9
    )
    shared_45 = 8.0 * kxx
    shared_46 = shared_21 * shared_45 + 2.0 * shared_28 - shared_21 * shared_45 * shared_9
    shared_47 = shared_33 * shared_41
    shared_48 = shared_47 / (shared_22 + shared_42 + shared_46)
    shared_49 = 2.0 * shared_20
    shared_50 = shared_16 * shared_20
    shared_51 = shared_47 / (shared_31 + shared_46 + shared_50)
    shared_52 = shared_0 * shared_2 * shared_35 * shared_7
    shared_53 = 1.0 / scale_y ** 3
    shared_54 = shared_11 * (shared_10 * shared_3 - shared_8 * (kxx + 0.5))
    shared_55 = shared_39 * (4.0 * kxx * shared_9 - shared_16 - 2.0)
    shared_56 = (
        shared_17 * shared_55
        + shared_43 * (8.0 * kxx * shared_9 - shared_45 - 4.0)
        + shared_50
        - shared_18 * shared_55
        - shared_50 * shared_9
    )
    shared_57 = shared_7 / regularisation ** 3
    return (
        2.0 * cxy * shared_0 * shared_1 * shared_2 * shared_7 / np.pi + 0.4052847345693511 * shared_0 * shared_1 *
            shared_2 * shared_34 * shared_7 - shared_12 * shared_15 - shared_12 * shared_37 - shared_52 * (shared_41 *
            (kxy * shared_40 + scale_y * shared_13 * shared_38) - shared_48 * (kxx * shared_40 + shared_20 + shared_40 *
            shared_5 + shared_44) - shared_51 * (kyy * shared_40 + shared_3 * shared_40 + shared_44 + shared_49)),
        2.0 * cxy * shared_0 * shared_13 * shared_53 * shared_7 / np.pi + 0.4052847345693511 * shared_0 * shared_13
            * shared_34 * shared_53 * shared_7 - shared_15 * shared_54 - shared_37 * shared_54 - shared_52 * (shared_41
            * (kxy * shared_55 + scale_x * shared_2 * shared_38) - shared_48 * (kxx * shared_55 + shared_49 + shared_5 *
            shared_55 + shared_56) - shared_51 * (kyy * shared_55 + shared_20 + shared_3 * shared_55 + shared_56)),
        1.6211389382774044 * shared_13 * shared_36 * shared_57 + 8.0 * shared_14 * shared_57 / np.pi,
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
    shared_0 = 4.0 * kxx
    shared_1 = shared_0 + 1.0
    shared_2 = 1.0 / shared_1
    shared_3 = 6.0 * kxx + 1.0
    shared_4 = 2.0 * kxx
    shared_5 = shared_4 + 1.0
    shared_6 = kxx * shared_2
    shared_7 = 0.5 * shared_2 + 3.0 * shared_6
    shared_8 = 4.0 * kyy
    shared_9 = shared_8 + 1.0
    shared_10 = 1.0 / shared_9
    shared_11 = 6.0 * kyy + 1.0
    shared_12 = 2.0 * kyy
    shared_13 = shared_12 + 1.0
    shared_14 = kyy * shared_10
    shared_15 = 0.5 * shared_10 + 3.0 * shared_14
    return (
        np.sqrt(16.0 * cxx * kxx / (np.pi * (shared_1 * np.sqrt(shared_1))) + 1.6211389382774044 * shared_2 * (16.0
            * kxx * kxx + shared_3) / (shared_3 * special.rootgap(shared_1, shared_1, shared_0)) + 3.242277876554809 *
            shared_6 * special.arcsine(shared_7, shared_7, shared_6) / special.rootgap(shared_5, shared_5, shared_4)) *
            np.sqrt(16.0 * cyy * kyy / (np.pi * (shared_9 * np.sqrt(shared_9))) + 1.6211389382774044 * shared_10 * (16.0
            * kyy * kyy + shared_11) / (shared_11 * special.rootgap(shared_9, shared_9, shared_8)) + 3.242277876554809 *
            shared_14 * special.arcsine(shared_15, shared_15, shared_14) / special.rootgap(shared_13, shared_13,
            shared_12)) / (regularisation * regularisation)
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
)
