# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Chi family, canonical link."""

import numpy as np

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "ad07040387f62007"


def statistic(y):
    return y * y


def value(eta, y, degrees):
    return -0.5 * degrees * np.log(-2.0 * eta) - eta * y * y


def slope(eta, y, degrees):
    return -0.5 * degrees / eta - y * y


def curvature(eta, degrees):
    return 0.5 * degrees / (eta * eta)


def cross(y):
    return -2.0 * y


def mean(eta, degrees):
    return -0.5 * degrees / eta


def mean_slope(eta, degrees):
    return 0.5 * degrees / (eta * eta)


def curvature_bound():
    return np.inf


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="chi",
    summary="chi family, canonical link",
    parameters=(
        Parameter("degrees", 0.0, float("inf"), 1.0, "known, not estimated"),
    ),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y", "degrees")),
    slope=Formula(slope, ("eta", "y", "degrees")),
    curvature=Formula(curvature, ("eta", "degrees")),
    cross=Formula(cross, ("y",)),
    mean=Formula(mean, ("eta", "degrees")),
    mean_slope=Formula(mean_slope, ("eta", "degrees")),
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
