# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Half_normal family, canonical link."""

import numpy as np

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "f42ea792abbe3110"


def statistic(y):
    return y * y


def value(eta, y):
    return -eta * y * y - 0.5 * np.log(-2.0 * eta)


def slope(eta, y):
    return -y * y - 0.5 / eta


def curvature(eta):
    return 0.5 / (eta * eta)


def cross(y):
    return -2.0 * y


def mean(eta):
    return -0.5 / eta


def mean_slope(eta):
    return 0.5 / (eta * eta)


def curvature_bound():
    return np.inf


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="half_normal",
    summary="half_normal family, canonical link",
    parameters=(),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y")),
    slope=Formula(slope, ("eta", "y")),
    curvature=Formula(curvature, ("eta",)),
    cross=Formula(cross, ("y",)),
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
