# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Inverse_gaussian family, canonical link."""

import numpy as np

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "84f04e317f8c17b5"


def statistic(y):
    return y


def value(eta, y, shape):
    return -eta * y - 1.4142135623730951 * np.sqrt(shape) * np.sqrt(-eta)


def slope(eta, y, shape):
    return 0.7071067811865476 * np.sqrt(shape) / np.sqrt(-eta) - y


def curvature(eta, shape):
    return 0.3535533905932738 * np.sqrt(shape) / (-eta * np.sqrt(-eta))


def cross():
    return -1.0


def mean(eta, shape):
    return 0.7071067811865476 * np.sqrt(shape) / np.sqrt(-eta)


def mean_slope(eta, shape):
    return 0.3535533905932738 * np.sqrt(shape) / (-eta * np.sqrt(-eta))


def curvature_bound():
    return np.inf


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="inverse_gaussian",
    summary="inverse_gaussian family, canonical link",
    parameters=(
        Parameter("shape", 0.0, float("inf"), 1.0, "known, not estimated"),
    ),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y", "shape")),
    slope=Formula(slope, ("eta", "y", "shape")),
    curvature=Formula(curvature, ("eta", "shape")),
    cross=Formula(cross, ()),
    mean=Formula(mean, ("eta", "shape")),
    mean_slope=Formula(mean_slope, ("eta", "shape")),
    curvature_bound=Formula(curvature_bound, ()),
    bound_holds=True,
    support=Formula(support, ()),
    lower=float("-inf"),
    upper=0.0,
    canonical=True,
    penalty=None,
    spec=SPEC,
    sources=(
        "Tsuchida, Yong, Armin, Petersson and Ong, Declarative nets that are equilibrium models, ICLR 2022, Theorem 3",
    ),
)
