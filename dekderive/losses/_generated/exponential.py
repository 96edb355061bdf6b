# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Exponential family, canonical link."""

import numpy as np

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "0ad6a19d4c939083"


def statistic(y):
    return y


def value(eta, y):
    return -eta * y - np.log(-eta)


def slope(eta, y):
    return -y - 1.0 / eta


def curvature(eta):
    return 1.0 / (eta * eta)


def cross():
    return -1.0


def mean(eta):
    return -1.0 / eta


def mean_slope(eta):
    return 1.0 / (eta * eta)


def curvature_bound():
    return np.inf


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="exponential",
    summary="exponential family, canonical link",
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
