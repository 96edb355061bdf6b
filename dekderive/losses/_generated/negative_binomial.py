# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Negative_binomial family, canonical link."""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "2352454b10a1d421"


def statistic(y):
    return y


def value(eta, y, size):
    return -eta * y - size * special.log1mexp(eta)


def slope(eta, y, size):
    return -size * special.expit(eta) / np.tanh(0.5 * eta) - y


def curvature(eta, size):
    shared_0 = 0.5 * eta
    shared_1 = np.tanh(shared_0)
    shared_2 = special.expit(eta)
    return (
        0.5 * shared_2 * size / ((shared_1 * shared_1) * np.cosh(shared_0) ** 2)
        - shared_2 * size * special.expit(-eta) / shared_1
    )


def cross():
    return -1.0


def mean(eta, size):
    return -size * special.expit(eta) / np.tanh(0.5 * eta)


def mean_slope(eta, size):
    shared_0 = 0.5 * eta
    shared_1 = np.tanh(shared_0)
    shared_2 = special.expit(eta)
    return (
        0.5 * shared_2 * size / ((shared_1 * shared_1) * np.cosh(shared_0) ** 2)
        - shared_2 * size * special.expit(-eta) / shared_1
    )


def curvature_bound():
    return np.inf


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="negative_binomial",
    summary="negative_binomial family, canonical link",
    parameters=(
        Parameter("size", 0.0, float("inf"), 1.0, "known, not estimated"),
    ),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y", "size")),
    slope=Formula(slope, ("eta", "y", "size")),
    curvature=Formula(curvature, ("eta", "size")),
    cross=Formula(cross, ()),
    mean=Formula(mean, ("eta", "size")),
    mean_slope=Formula(mean_slope, ("eta", "size")),
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
