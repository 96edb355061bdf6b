# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Gaussian family, canonical link."""

import numpy as np

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "943169c1884fe18a"


def statistic(y):
    return y


def value(eta, y):
    return 0.5 * eta * eta - eta * y


def slope(eta, y):
    return eta - y


def curvature():
    return 1.0


def cross():
    return -1.0


def mean(eta):
    return eta


def mean_slope():
    return 1.0


def curvature_bound():
    return 1.0


def support():
    return (-np.inf, np.inf)


LOSS = Loss(
    name="gaussian",
    summary="gaussian family, canonical link",
    parameters=(),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y")),
    slope=Formula(slope, ("eta", "y")),
    curvature=Formula(curvature, ()),
    cross=Formula(cross, ()),
    mean=Formula(mean, ("eta",)),
    mean_slope=Formula(mean_slope, ()),
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
