# Generated from derivations/deker_poisson_log_softplus.py by `python -m codegen update`; edit that file, not this one.
"""Deep equilibrium kernel, poisson family, natural map log(softplus(z)).

slope(z) = log_softplus_slope(z)
activation(z) = expit(z)

Sources: Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023.
"""

import numpy as np

from dekderive.kernels import hermite, special
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter

SPEC = "07fea5a7c126aeae"


@hermite.analytic(2.945243112737752, 5.125830895487672, terms=(("expit", 1.0, 1.0),))
def activation(z):
    return special.expit(z)


@hermite.analytic(2.945243112737752, 26.27414236911205, terms=(("expit_slope", 1.0, 1.0),))
def activation_slope(z):
    return special.expit(-z) * special.expit(z)


@hermite.analytic(2.945243112737752, 5.125830895487672)
def slope(z):
    return special.log_softplus_slope(z)


@hermite.analytic(2.945243112737752, 52.5482847382241)
def slope_slope(z):
    shared_0 = special.log_softplus_slope(z)
    return shared_0 * (special.expit(-z) - shared_0)


def diagonal_step(kxx, cxx, mean_x, regularisation):
    expectation_0 = hermite.mean(activation, activation, kxx)
    expectation_1 = hermite.mean(slope, activation, kxx)
    expectation_2 = hermite.mean(slope, slope, kxx)
    return (cxx * expectation_2 + expectation_0 - 2.0 * expectation_1 * mean_x) / (regularisation * regularisation)


def diagonal_step_derivative(kxx, cxx, mean_x, regularisation):
    expectation_0 = hermite.mean_derivative(activation, activation, kxx)
    expectation_1 = hermite.mean_derivative(slope, activation, kxx)
    expectation_2 = hermite.mean_derivative(slope, slope, kxx)
    return (cxx * expectation_2 + expectation_0 - 2.0 * expectation_1 * mean_x) / (regularisation * regularisation)


def step(kxx, kyy, kxy, cxy, mean_x, mean_y, regularisation):
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    expectation_1 = hermite.dual(activation, slope, kxx, kyy, kxy)
    expectation_2 = hermite.dual(slope, activation, kxx, kyy, kxy)
    expectation_3 = hermite.dual(slope, slope, kxx, kyy, kxy)
    return (
        (cxy * expectation_3 + expectation_0 - expectation_1 * mean_y - expectation_2 * mean_x) / (regularisation *
            regularisation)
    )


def step_derivative(kxx, kyy, kxy, cxy, mean_x, mean_y, regularisation):
    expectation_0 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    expectation_1 = hermite.dual_kxy(activation, slope, kxx, kyy, kxy)
    expectation_2 = hermite.dual_kxy(slope, activation, kxx, kyy, kxy)
    expectation_3 = hermite.dual_kxy(slope, slope, kxx, kyy, kxy)
    return (
        (cxy * expectation_3 + expectation_0 - expectation_1 * mean_y - expectation_2 * mean_x) / (regularisation *
            regularisation)
    )


def residual(correlation, kxx, kyy, cxy, mean_x, mean_y, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    expectation_1 = hermite.dual(activation, slope, kxx, kyy, kxy)
    expectation_2 = hermite.dual(slope, activation, kxx, kyy, kxy)
    expectation_3 = hermite.dual(slope, slope, kxx, kyy, kxy)
    shared_0 = 1.0 / ((regularisation * regularisation) * scale_x * scale_y)
    return (
        correlation
        + expectation_1 * mean_y * shared_0
        + expectation_2 * mean_x * shared_0
        - cxy * expectation_3 * shared_0
        - expectation_0 * shared_0
    )


def residual_derivative(correlation, kxx, kyy, cxy, mean_x, mean_y, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    expectation_1 = hermite.dual_kxy(activation, slope, kxx, kyy, kxy)
    expectation_2 = hermite.dual_kxy(slope, activation, kxx, kyy, kxy)
    expectation_3 = hermite.dual_kxy(slope, slope, kxx, kyy, kxy)
    return (
        1.0
        - (cxy * expectation_3 + expectation_0 - expectation_1 * mean_y - expectation_2 * mean_x) / (regularisation
            * regularisation)
    )


def readout(correlation, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return kxy


def readout_diagonal(kxx):
    return kxx


def diagonal_step_gradient(kxx, cxx, mean_x, regularisation):
    expectation_0 = hermite.mean(activation, activation, kxx)
    expectation_1 = hermite.mean(slope, activation, kxx)
    expectation_2 = hermite.mean(slope, slope, kxx)
    return (
        -2.0 * (cxx * expectation_2 + expectation_0 - 2.0 * expectation_1 * mean_x) / regularisation ** 3,
    )


def residual_gradient(correlation, kxx, kyy, cxy, mean_x, mean_y, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    expectation_1 = hermite.dual(activation, slope, kxx, kyy, kxy)
    expectation_2 = hermite.dual(slope, activation, kxx, kyy, kxy)
    expectation_3 = hermite.dual(slope, slope, kxx, kyy, kxy)
    expectation_4 = hermite.dual_kxx(activation, activation, kxx, kyy, kxy)
    expectation_5 = hermite.dual_kxx(activation, slope, kxx, kyy, kxy)
    expectation_6 = hermite.dual_kxx(slope, activation, kxx, kyy, kxy)
    expectation_7 = hermite.dual_kxx(slope, slope, kxx, kyy, kxy)
    expectation_8 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    expectation_9 = hermite.dual_kxy(activation, slope, kxx, kyy, kxy)
    expectation_10 = hermite.dual_kxy(slope, activation, kxx, kyy, kxy)
    expectation_11 = hermite.dual_kxy(slope, slope, kxx, kyy, kxy)
    expectation_12 = hermite.dual_kyy(activation, activation, kxx, kyy, kxy)
    expectation_13 = hermite.dual_kyy(activation, slope, kxx, kyy, kxy)
    expectation_14 = hermite.dual_kyy(slope, activation, kxx, kyy, kxy)
    expectation_15 = hermite.dual_kyy(slope, slope, kxx, kyy, kxy)
    shared_0 = 0.5 * expectation_0
    shared_1 = 1.0 / scale_y
    shared_2 = 1.0 / (regularisation * regularisation)
    shared_3 = shared_1 * shared_2
    shared_4 = shared_3 / scale_x ** 3
    shared_5 = 0.5 * shared_4
    shared_6 = cxy * expectation_3
    shared_7 = expectation_1 * mean_y
    shared_8 = expectation_2 * mean_x
    shared_9 = 0.5 * correlation
    shared_10 = expectation_8 * shared_9
    shared_11 = 1.0 / scale_x
    shared_12 = scale_y * shared_11
    shared_13 = shared_11 * shared_3
    shared_14 = shared_12 * shared_9
    shared_15 = mean_x * shared_13
    shared_16 = mean_y * shared_13
    shared_17 = cxy * shared_13
    shared_18 = shared_11 * shared_2 / scale_y ** 3
    shared_19 = 0.5 * shared_18
    shared_20 = scale_x * shared_1
    shared_21 = shared_20 * shared_9
    shared_22 = 2.0 * shared_1 * shared_11 / regularisation ** 3
    return (
        shared_0 * shared_4 + shared_15 * (expectation_10 * shared_14 + expectation_6) + shared_16 * (expectation_5
            + expectation_9 * shared_14) + shared_5 * shared_6 - shared_13 * (expectation_4 + shared_10 * shared_12) -
            shared_17 * (expectation_11 * shared_14 + expectation_7) - shared_5 * shared_7 - shared_5 * shared_8,
        shared_0 * shared_18 + shared_15 * (expectation_10 * shared_21 + expectation_14) + shared_16 *
            (expectation_13 + expectation_9 * shared_21) + shared_19 * shared_6 - shared_13 * (expectation_12 +
            shared_10 * shared_20) - shared_17 * (expectation_11 * shared_21 + expectation_15) - shared_19 * shared_7 -
            shared_19 * shared_8,
        expectation_0 * shared_22 + shared_22 * shared_6 - shared_22 * shared_7 - shared_22 * shared_8,
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


def modulus(kxx, kyy, cxx, cyy, mean_x, mean_y, regularisation):
    expectation_0 = hermite.mean(slope_slope, slope_slope, kxx)
    expectation_1 = hermite.mean(slope_slope, slope_slope, kyy)
    expectation_2 = hermite.mean(slope_slope, activation_slope, kxx)
    expectation_3 = hermite.mean(slope_slope, activation_slope, kyy)
    expectation_4 = hermite.mean(activation_slope, activation_slope, kxx)
    expectation_5 = hermite.mean(activation_slope, activation_slope, kyy)
    return (
        np.sqrt(cxx * expectation_0 + expectation_4 - 2.0 * expectation_2 * mean_x) * np.sqrt(cyy * expectation_1 +
            expectation_5 - 2.0 * expectation_3 * mean_y) / (regularisation * regularisation)
    )


def diagonal_step_input_gradient(kxx, regularisation):
    expectation_0 = hermite.mean(slope, activation, kxx)
    expectation_1 = hermite.mean(slope, slope, kxx)
    shared_0 = 1.0 / (regularisation * regularisation)
    return (
        expectation_1 * shared_0,
        -2.0 * expectation_0 * shared_0,
    )


def residual_input_gradient(correlation, kxx, kyy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(slope, activation, kxx, kyy, kxy)
    expectation_1 = hermite.dual(slope, slope, kxx, kyy, kxy)
    shared_0 = 1.0 / ((regularisation * regularisation) * scale_x * scale_y)
    return (
        0.0,
        expectation_0 * shared_0,
        -expectation_1 * shared_0,
    )


KERNEL = Kernel(
    name="deker_poisson_log_softplus",
    summary="deep equilibrium kernel, poisson family, natural map log(softplus(z))",
    model="deker",
    parameters=(
        Parameter("regularisation", 0.0, float("inf"), 1.0, "prior precision relative to the likelihood; large values shrink features"),
    ),
    input_names=("cxx", "mean_x"),
    pair_names=("cxy",),
    moments="relu_features",
    chart=Chart.CORRELATION,
    diagonal_step=Formula(diagonal_step, ("kxx", "cxx", "mean_x", "regularisation")),
    diagonal_step_derivative=Formula(diagonal_step_derivative, ("kxx", "cxx", "mean_x", "regularisation")),
    diagonal_fixed_point=None,
    step=Formula(step, ("kxx", "kyy", "kxy", "cxy", "mean_x", "mean_y", "regularisation")),
    step_derivative=Formula(step_derivative, ("kxx", "kyy", "kxy", "cxy", "mean_x", "mean_y", "regularisation")),
    residual=Formula(residual, ("correlation", "kxx", "kyy", "cxy", "mean_x", "mean_y", "regularisation")),
    residual_derivative=Formula(residual_derivative, ("correlation", "kxx", "kyy", "cxy", "mean_x", "mean_y", "regularisation")),
    start=None,
    readout=Formula(readout, ("correlation", "kxx", "kyy")),
    readout_diagonal=Formula(readout_diagonal, ("kxx",)),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx", "mean_x", "regularisation")),
    residual_gradient=Formula(residual_gradient, ("correlation", "kxx", "kyy", "cxy", "mean_x", "mean_y", "regularisation")),
    readout_gradient=Formula(readout_gradient, ("correlation", "kxx", "kyy")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ()),
    claim=Claim.CONTRACTION,
    modulus=Formula(modulus, ("kxx", "kyy", "cxx", "cyy", "mean_x", "mean_y", "regularisation")),
    spec=SPEC,
    sources=(
        "Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023",
    ),
    diagonal_step_input_gradient=Formula(diagonal_step_input_gradient, ("kxx", "regularisation")),
    residual_input_gradient=Formula(residual_input_gradient, ("correlation", "kxx", "kyy", "regularisation")),
)
