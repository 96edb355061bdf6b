# Generated from derivations/deker_rademacher_identity.py by `python -m codegen update`; edit that file, not this one.
"""Deep equilibrium kernel, rademacher family, natural map z.

slope(z) = 1
activation(z) = tanh(z)

Sources: Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023.
"""

import numpy as np

from dekderive.kernels import hermite
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter

SPEC = "8f586867bab6057e"


@hermite.analytic(1.472621556368876, 10.153170387618088, terms=(("constant", 0.0, -1.0), ("expit", 2.0, 2.0)))
def activation(z):
    return np.tanh(z)


@hermite.analytic(1.472621556368876, 104.08686891991202, terms=(("expit_slope", 2.0, 4.0),))
def activation_slope(z):
    return 1.0 - np.tanh(z) ** 2


def diagonal_step(kxx, cxx, regularisation):
    expectation_0 = hermite.mean(activation, activation, kxx)
    return (cxx + expectation_0) / (regularisation * regularisation)


def diagonal_step_derivative(kxx, regularisation):
    expectation_0 = hermite.mean_derivative(activation, activation, kxx)
    return expectation_0 / (regularisation * regularisation)


def step(kxx, kyy, kxy, cxy, regularisation):
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    return (cxy + expectation_0) / (regularisation * regularisation)


def step_derivative(kxx, kyy, kxy, regularisation):
    expectation_0 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    return expectation_0 / (regularisation * regularisation)


def residual(correlation, kxx, kyy, cxy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    shared_0 = 1.0 / ((regularisation * regularisation) * scale_x * scale_y)
    return correlation - cxy * shared_0 - expectation_0 * shared_0


def residual_derivative(correlation, kxx, kyy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    return 1.0 - expectation_0 / (regularisation * regularisation)


def readout(correlation, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    return kxy


def readout_diagonal(kxx):
    return kxx


def diagonal_step_gradient(kxx, cxx, regularisation):
    expectation_0 = hermite.mean(activation, activation, kxx)
    return (
        -2.0 * (cxx + expectation_0) / regularisation ** 3,
    )


def residual_gradient(correlation, kxx, kyy, cxy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    kxy = correlation * scale_x * scale_y
    expectation_0 = hermite.dual(activation, activation, kxx, kyy, kxy)
    expectation_1 = hermite.dual_kxx(activation, activation, kxx, kyy, kxy)
    expectation_2 = hermite.dual_kxy(activation, activation, kxx, kyy, kxy)
    expectation_3 = hermite.dual_kyy(activation, activation, kxx, kyy, kxy)
    shared_0 = 0.5 * cxy
    shared_1 = 1.0 / scale_y
    shared_2 = 1.0 / (regularisation * regularisation)
    shared_3 = shared_1 * shared_2
    shared_4 = shared_3 / scale_x ** 3
    shared_5 = 0.5 * expectation_0
    shared_6 = 1.0 / scale_x
    shared_7 = 0.5 * correlation * expectation_2
    shared_8 = shared_3 * shared_6
    shared_9 = shared_2 * shared_6 / scale_y ** 3
    shared_10 = 2.0 * shared_1 * shared_6 / regularisation ** 3
    return (
        shared_0 * shared_4 + shared_4 * shared_5 - shared_8 * (expectation_1 + scale_y * shared_6 * shared_7),
        shared_0 * shared_9 + shared_5 * shared_9 - shared_8 * (expectation_3 + scale_x * shared_1 * shared_7),
        cxy * shared_10 + expectation_0 * shared_10,
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
    expectation_0 = hermite.mean(activation_slope, activation_slope, kxx)
    expectation_1 = hermite.mean(activation_slope, activation_slope, kyy)
    return np.sqrt(expectation_0) * np.sqrt(expectation_1) / (regularisation * regularisation)


def diagonal_step_input_gradient(regularisation):
    return (
        1.0 / (regularisation * regularisation),
        0.0,
    )


def residual_input_gradient(kxx, kyy, regularisation):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    return (
        0.0,
        0.0,
        -1.0 / ((regularisation * regularisation) * scale_x * scale_y),
    )


KERNEL = Kernel(
    name="deker_rademacher_identity",
    summary="deep equilibrium kernel, rademacher family, natural map z",
    model="deker",
    parameters=(
        Parameter("regularisation", 0.0, float("inf"), 1.0, "prior precision relative to the likelihood; large values shrink features"),
    ),
    input_names=("cxx", "mean_x"),
    pair_names=("cxy",),
    moments="sign_features",
    chart=Chart.CORRELATION,
    diagonal_step=Formula(diagonal_step, ("kxx", "cxx", "regularisation")),
    diagonal_step_derivative=Formula(diagonal_step_derivative, ("kxx", "regularisation")),
    diagonal_fixed_point=None,
    step=Formula(step, ("kxx", "kyy", "kxy", "cxy", "regularisation")),
    step_derivative=Formula(step_derivative, ("kxx", "kyy", "kxy", "regularisation")),
    residual=Formula(residual, ("correlation", "kxx", "kyy", "cxy", "regularisation")),
    residual_derivative=Formula(residual_derivative, ("correlation", "kxx", "kyy", "regularisation")),
    start=None,
    readout=Formula(readout, ("correlation", "kxx", "kyy")),
    readout_diagonal=Formula(readout_diagonal, ("kxx",)),
    diagonal_step_gradient=Formula(diagonal_step_gradient, ("kxx", "cxx", "regularisation")),
    residual_gradient=Formula(residual_gradient, ("correlation", "kxx", "kyy", "cxy", "regularisation")),
    readout_gradient=Formula(readout_gradient, ("correlation", "kxx", "kyy")),
    readout_diagonal_gradient=Formula(readout_diagonal_gradient, ()),
    claim=Claim.CONTRACTION,
    modulus=Formula(modulus, ("kxx", "kyy", "regularisation")),
    spec=SPEC,
    sources=(
        "Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023",
    ),
    diagonal_step_input_gradient=Formula(diagonal_step_input_gradient, ("regularisation",)),
    residual_input_gradient=Formula(residual_input_gradient, ("kxx", "kyy", "regularisation")),
)
