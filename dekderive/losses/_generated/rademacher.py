# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Rademacher family, canonical link."""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "c5a780f810f45262"


def statistic(y):
    return y


def value(eta, y):
    shared_0 = 2.0 * eta
    shared_1 = 0.5 * y
    return (0.5 - shared_1) * special.softplus(shared_0) + (shared_1 + 0.5) * special.softplus(-shared_0)


def slope(eta, y):
    shared_0 = 2.0 * eta
    return (1.0 - y) * special.expit(shared_0) - (y + 1.0) * special.expit(-shared_0)


def curvature(eta):
    return 1.0 / np.cosh(eta) ** 2


def cross():
    return -1.0


def mean(eta):
    return np.tanh(eta)


def mean_slope(eta):
    return 1.0 / np.cosh(eta) ** 2


def curvature_bound():
    return 1.0


def support():
    return (
        -1.0,
        1.0,
    )


LOSS = Loss(
    name="rademacher",
    summary="rademacher family, canonical link",
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
    upper=float("inf"),
    canonical=True,
    penalty=None,
    spec=SPEC,
    sources=(
        "Tsuchida, Yong, Armin, Petersson and Ong, Declarative nets that are equilibrium models, ICLR 2022, Theorem 3",
    ),
)
