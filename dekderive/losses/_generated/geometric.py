# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Geometric family, canonical link."""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "38673c2efa91a646"


def statistic(y):
    return y


def value(eta, y):
    return -eta * y - special.log1mexp(eta)


def slope(eta, y):
    return -y - special.expit(eta) / np.tanh(0.5 * eta)


def curvature(eta):
    shared_0 = special.expit(eta)
    shared_1 = 0.5 * eta
    shared_2 = np.tanh(shared_1)
    return (
        0.5 * shared_0 / ((shared_2 * shared_2) * np.cosh(shared_1) ** 2)
        - shared_0 * special.expit(-eta) / shared_2
    )


def cross():
    return -1.0


def mean(eta):
    return -special.expit(eta) / np.tanh(0.5 * eta)


def mean_slope(eta):
    shared_0 = special.expit(eta)
    shared_1 = 0.5 * eta
    shared_2 = np.tanh(shared_1)
    return (
        0.5 * shared_0 / ((shared_2 * shared_2) * np.cosh(shared_1) ** 2)
        - shared_0 * special.expit(-eta) / shared_2
    )


def curvature_bound():
    return np.inf


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="geometric",
    summary="geometric family, canonical link",
    parameters=(),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y")),
    slope=Formula(slope, ("eta", "y")),
    curvature=Formula(curvature, ("eta",)),
    cross=Formula(cross, ()),
    mean=Formula(mean, ("eta",)),
    mean_slope=Formula(mean_slope, ("eta",)),
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
