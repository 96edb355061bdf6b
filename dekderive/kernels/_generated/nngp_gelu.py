# Generated from derivations/nngp_gelu.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian process of a wide network with activation z*ndtr(z).

activation(z) = z*ndtr(z)

Sources: Lee, Bahri, Novak, Schoenholz, Pennington and Sohl-Dickstein, Deep neural networks as Gaussian processes, ICLR
2018; Price, A useful theorem for nonlinear devices having Gaussian inputs, IRE Trans. Inf. Theory 4 (1958) 69-72.
"""

import numpy as np

from dekderive.kernels import hermite, special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.kernels.layered import Expectation, LayeredKernel

SPEC = "8f92bce6de839721"


@hermite.analytic(3.999999999996362, 19031.682834117975, 4757.920708529494, 1.0)
def activation(z):
    return z * special.ndtr(z)


def activation_slope(z):
    return 0.3989422804014327 * z * np.exp(-0.5 * z * z) + special.ndtr(z)


def activation_mean(kxx):
    shared_0 = np.sqrt(2.0 * kxx + 1.0)
    shared_1 = 1.0 / shared_0
    shared_2 = kxx * kxx / ((2.0 * np.pi) * (kxx + 1.0) ** 2)
    return kxx * np.arctan(kxx * shared_1) / (2.0 * np.pi) + 0.25 * kxx + shared_0 * shared_2 + shared_1 * shared_2


def activation_mean_gradient(kxx):
    shared_0 = 2.0 * kxx + 1.0
    shared_1 = np.sqrt(shared_0)
    shared_2 = 1.0 / shared_1
    shared_3 = kxx * shared_2
    shared_4 = kxx + 1.0
    shared_5 = 1.0 / (shared_4 * shared_4)
    shared_6 = shared_5 / np.pi
    shared_7 = kxx * kxx
    shared_8 = shared_2 * shared_7
    shared_9 = shared_5 / (2.0 * np.pi)
    shared_10 = 1.0 / (shared_0 * np.sqrt(shared_0))
    shared_11 = 1.0 / (np.pi * shared_4 ** 3)
    return (
        kxx * shared_1 * shared_6 + kxx * (shared_2 - kxx * shared_10) / ((2.0 * np.pi) * (1.0 + shared_7 /
            shared_0)) + shared_3 * shared_6 + shared_8 * shared_9 + np.arctan(shared_3) / (2.0 * np.pi) + 0.25 -
            shared_1 * shared_11 * shared_7 - shared_10 * shared_7 * shared_9 - shared_11 * shared_8,
    )


def activation_value(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    shared_0 = kxx * kyy
    shared_1 = kxx + 1.0
    shared_2 = np.sqrt(kyy + shared_0 * sine * sine + shared_1)
    shared_3 = 1.0 / shared_2
    shared_4 = shared_0 / ((2.0 * np.pi) * shared_1 * (kyy + 1.0))
    return (
        cosine * cosine * shared_3 * shared_4
        + kxy * np.arctan(kxy * shared_3) / (2.0 * np.pi)
        + 0.25 * kxy
        + shared_2 * shared_4
    )


def activation_value_gradient(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    shared_0 = 0.125 * cosine
    shared_1 = scale_y / scale_x
    shared_2 = cosine * shared_1
    shared_3 = sine * sine
    shared_4 = kyy * shared_3
    shared_5 = kxx + 1.0
    shared_6 = kxx * shared_4 + kyy + shared_5
    shared_7 = np.sqrt(shared_6)
    shared_8 = 1.0 / shared_7
    shared_9 = np.arctan(kxy * shared_8) / (4.0 * np.pi)
    shared_10 = 1.0 / shared_5
    shared_11 = kyy + 1.0
    shared_12 = 1.0 / ((2.0 * np.pi) * shared_11)
    shared_13 = shared_10 * shared_12
    shared_14 = shared_13 * shared_7
    shared_15 = shared_12 / (shared_5 * shared_5)
    shared_16 = kxx * kyy
    shared_17 = shared_16 * shared_7
    shared_18 = cosine * cosine
    shared_19 = kyy * shared_18
    shared_20 = shared_13 * shared_8
    shared_21 = kxx * shared_19
    shared_22 = shared_21 * shared_8
    shared_23 = 0.5 * shared_4 + 0.5
    shared_24 = shared_16 * shared_20
    shared_25 = -shared_23
    shared_26 = 1.0 / (shared_6 * np.sqrt(shared_6))
    shared_27 = shared_13 * shared_21 * shared_26
    shared_28 = 0.5 * shared_8
    shared_29 = kxy * shared_26
    shared_30 = kxy / ((2.0 * np.pi) * (shared_21 / shared_6 + 1.0))
    shared_31 = scale_x / scale_y
    shared_32 = cosine * shared_31
    shared_33 = shared_10 / ((2.0 * np.pi) * (shared_11 * shared_11))
    shared_34 = 0.5 * kxx * shared_3 + 0.5
    shared_35 = -shared_34
    return (
        kyy * shared_14 + shared_0 * shared_1 + shared_19 * shared_20 + shared_2 * shared_9 + shared_23 * shared_24
            + shared_25 * shared_27 + shared_30 * (shared_2 * shared_28 + shared_25 * shared_29) - shared_15 * shared_17
            - shared_15 * shared_22,
        kxx * shared_14 + kxx * shared_18 * shared_20 + shared_0 * shared_31 + shared_24 * shared_34 + shared_27 *
            shared_35 + shared_30 * (shared_28 * shared_32 + shared_29 * shared_35) + shared_32 * shared_9 - shared_17 *
            shared_33 - shared_22 * shared_33,
    )


def activation_price(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    shared_0 = sine * sine
    shared_1 = kxx * kyy
    shared_2 = shared_0 * shared_1
    shared_3 = kxx + 1.0
    shared_4 = kyy + shared_2 + shared_3
    shared_5 = kxx * kxx
    shared_6 = kyy * kyy
    return (
        kxy * (kxx * shared_0 * shared_6 + 4.0 * kxx + kyy * shared_0 * shared_5 + 4.0 * kyy + 3.0 * shared_1 + 2.0
            * shared_2 + shared_5 + shared_6 + 3.0) / ((2.0 * np.pi) * shared_3 * (shared_4 * np.sqrt(shared_4)) * (kyy
            + 1.0))
        + np.arctan(kxy / np.sqrt(shared_4)) / (2.0 * np.pi)
        + 0.25
    )


KERNEL = LayeredKernel(
    name="nngp_gelu",
    summary="Gaussian process of a wide network with activation z*ndtr(z)",
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
        "Price, A useful theorem for nonlinear devices having Gaussian inputs, IRE Trans. Inf. Theory 4 (1958) 69-72",
    ),
)
