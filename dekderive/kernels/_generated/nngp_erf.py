# Generated from derivations/nngp_erf.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian process of a wide network with activation erf(z).

activation(z) = erf(z)

Sources: Lee, Bahri, Novak, Schoenholz, Pennington and Sohl-Dickstein, Deep neural networks as Gaussian processes, ICLR
2018; Williams, Computing with infinite networks, NeurIPS 1996.
"""

import numpy as np

from dekderive.kernels import hermite, special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.kernels.layered import Expectation, LayeredKernel

SPEC = "680bee94104c2742"


@hermite.analytic(3.999999999996362, 40107609.95143386)
def activation(z):
    return special.erf(z)


def activation_slope(z):
    return 1.1283791670955126 * np.exp(-z * z)


def activation_mean(kxx):
    return 2.0 * np.arctan(kxx / np.sqrt(kxx + 0.25)) / np.pi


def activation_mean_gradient(kxx):
    shared_0 = kxx + 0.25
    return (
        2.0 * (1.0 / np.sqrt(shared_0) - 0.5 * kxx / (shared_0 * np.sqrt(shared_0))) / (np.pi * (kxx * kxx /
            shared_0 + 1.0)),
    )


def activation_value(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    return 2.0 * np.arctan(kxy / np.sqrt(kxx * kyy * sine * sine + 0.5 * kxx + 0.5 * kyy + 0.25)) / np.pi


def activation_value_gradient(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    shared_0 = 0.5 * kxx
    shared_1 = 0.5 * kyy
    shared_2 = sine * sine
    shared_3 = kxx * kyy
    shared_4 = shared_0 + shared_1 + shared_2 * shared_3 + 0.25
    shared_5 = 0.5 * cosine / np.sqrt(shared_4)
    shared_6 = kxy / (shared_4 * np.sqrt(shared_4))
    shared_7 = 2.0 / (np.pi * (cosine * cosine * shared_3 / shared_4 + 1.0))
    return (
        shared_7 * (shared_6 * (-shared_1 * shared_2 - 0.25) + scale_y * shared_5 / scale_x),
        shared_7 * (scale_x * shared_5 / scale_y + shared_6 * (-shared_0 * shared_2 - 0.25)),
    )


def activation_price(angle, kxx, kyy):
    sine = np.sin(angle)
    return 2.0 / (np.pi * np.sqrt(kxx * kyy * sine * sine + 0.5 * kxx + 0.5 * kyy + 0.25))


KERNEL = LayeredKernel(
    name="nngp_erf",
    summary="Gaussian process of a wide network with activation erf(z)",
    model="nngp",
    depth=1,
    parameters=(
        Parameter("weight_variance", 0.0, float("inf"), 1.0, "variance of the weights"),
        Parameter("bias_variance", 0.0, float("inf"), 0.0, "variance of the biases", lower_closed=True),
    ),
    input_names=("cxx",),
    pair_names=("gap", "tilt"),
    moments="linear",
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
    spec=SPEC,
    sources=(
        "Lee, Bahri, Novak, Schoenholz, Pennington and Sohl-Dickstein, Deep neural networks as Gaussian processes, ICLR 2018",
        "Williams, Computing with infinite networks, NeurIPS 1996",
    ),
)
