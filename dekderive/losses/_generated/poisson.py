# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Poisson family, canonical link."""

import numpy as np

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "396be1ee93c5b64a"


def statistic(y):
    return y


def value(eta, y):
    return np.exp(eta) - eta * y


def slope(eta, y):
    return np.exp(eta) - y


def curvature(eta):
    return np.exp(eta)


def cross():
    return -1.0


def mean(eta):
    return np.exp(eta)


def mean_slope(eta):
    return np.exp(eta)


def curvature_bound():
    return np.inf


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="poisson",
    summary="poisson family, canonical link",
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
