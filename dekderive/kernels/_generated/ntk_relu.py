# Generated from derivations/ntk_relu.py by `python -m codegen update`; edit that file, not this one.
"""Tangent kernel of a wide network with activation relu(z).

activation(z) = relu(z)
activation_slope(z) = step(z)

Sources: Jacot, Gabriel and Hongler, Neural tangent kernel: convergence and generalization in neural networks, NeurIPS
2018, Theorem 1; Cho and Saul, Kernel methods for deep learning, NeurIPS 2009; Arora, Du, Hu, Li, Salakhutdinov and
Wang, On exact computation with an infinitely wide neural net, NeurIPS 2019.
"""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.kernels.layered import Expectation, LayeredKernel

SPEC = "5beaeba4ce994e4b"


def activation_mean(kxx):
    return 0.5 * kxx


def activation_mean_gradient():
    return (
        0.5,
    )


def activation_value(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    kxy = cosine * scale_x * scale_y
    return (
        kxy * (1.5707963267948966 - angle) / (2.0 * np.pi)
        + 0.25 * kxy
        + scale_x * scale_y * sine / (2.0 * np.pi)
    )


def activation_value_gradient(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    cosine = np.cos(angle)
    sine = np.sin(angle)
    shared_0 = scale_y / scale_x
    shared_1 = 0.125 * cosine
    shared_2 = sine / (4.0 * np.pi)
    shared_3 = cosine * (1.5707963267948966 - angle) / (4.0 * np.pi)
    shared_4 = scale_x / scale_y
    return (
        shared_0 * shared_1 + shared_0 * shared_2 + shared_0 * shared_3,
        shared_1 * shared_4 + shared_2 * shared_4 + shared_3 * shared_4,
    )


def activation_price(angle):
    return (1.5707963267948966 - angle) / (2.0 * np.pi) + 0.25


def activation_loss(angle):
    return special.versine(angle) - special.sin_minus_xcos(angle) / np.pi


def slope_mean():
    return 0.5


def slope_mean_gradient():
    return (
        0.0,
    )


def slope_value(angle):
    return (1.5707963267948966 - angle) / (2.0 * np.pi) + 0.25


def slope_value_gradient():
    return (
        0.0,
        0.0,
    )


def slope_price(angle, kxx, kyy):
    scale_x = np.sqrt(kxx)
    scale_y = np.sqrt(kyy)
    sine = np.sin(angle)
    return 1.0 / ((2.0 * np.pi) * scale_x * scale_y * sine)


def slope_loss(angle):
    return angle / np.pi


KERNEL = LayeredKernel(
    name="ntk_relu",
    summary="tangent kernel of a wide network with activation relu(z)",
    model="ntk",
    depth=1,
    parameters=(
        Parameter("weight_variance", 0.0, float("inf"), 2.0, "variance of the weights"),
        Parameter("bias_variance", 0.0, float("inf"), 0.0, "variance of the biases", lower_closed=True),
    ),
    input_names=("cxx",),
    pair_names=("gap", "tilt"),
    moments="linear",
    activation=Expectation(
        mean=Formula(activation_mean, ("kxx",)),
        mean_gradient=Formula(activation_mean_gradient, ()),
        value=Formula(activation_value, ("angle", "kxx", "kyy")),
        value_gradient=Formula(activation_value_gradient, ("angle", "kxx", "kyy")),
        price=Formula(activation_price, ("angle",)),
        loss=Formula(activation_loss, ("angle",)),
        degree=1.0,
        function=None,
        derivative=None,
        closed=True,
    ),
    slope=Expectation(
        mean=Formula(slope_mean, ()),
        mean_gradient=Formula(slope_mean_gradient, ()),
        value=Formula(slope_value, ("angle",)),
        value_gradient=Formula(slope_value_gradient, ()),
        price=Formula(slope_price, ("angle", "kxx", "kyy")),
        loss=Formula(slope_loss, ("angle",)),
        degree=0.0,
        function=None,
        derivative=None,
        closed=True,
    ),
    spec=SPEC,
    sources=(
        "Jacot, Gabriel and Hongler, Neural tangent kernel: convergence and generalization in neural networks, NeurIPS 2018, Theorem 1",
        "Cho and Saul, Kernel methods for deep learning, NeurIPS 2009",
        "Arora, Du, Hu, Li, Salakhutdinov and Wang, On exact computation with an infinitely wide neural net, NeurIPS 2019",
    ),
)
