# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Truncated_normal family, canonical link."""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "a871282c2dd21236"


def statistic(y):
    return y


def value(eta, y):
    return special.truncated_normal_log_partition(eta) - eta * y


def slope(eta, y):
    return special.truncated_normal_mean(eta) - y


def curvature(eta):
    return special.truncated_normal_variance(eta)


def cross():
    return -1.0


def mean(eta):
    return special.truncated_normal_mean(eta)


def mean_slope(eta):
    return special.truncated_normal_variance(eta)


def curvature_bound():
    return 1.0


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="truncated_normal",
    summary="truncated_normal family, canonical link",
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
