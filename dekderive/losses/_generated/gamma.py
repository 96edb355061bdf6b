# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Gamma family, canonical link."""

import numpy as np

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "10162c09de4a0202"


def statistic(y):
    return y


def value(eta, y, shape):
    return -eta * y - shape * np.log(-eta)


def slope(eta, y, shape):
    return -y - shape / eta


def curvature(eta, shape):
    return shape / (eta * eta)


def cross():
    return -1.0


def mean(eta, shape):
    return -shape / eta


def mean_slope(eta, shape):
    return shape / (eta * eta)


def curvature_bound():
    return np.inf


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="gamma",
    summary="gamma family, canonical link",
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
