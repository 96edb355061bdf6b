# Generated from derivations/losses/other_links.py by `python -m codegen update`; edit that file, not this one.
"""Gamma family with known shape, log link."""

import numpy as np

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "236a5df470360325"


def statistic(y):
    return y


def value(eta, y, shape):
    return shape * (eta + y * np.exp(-eta))


def slope(eta, y, shape):
    return shape * (1.0 - y * np.exp(-eta))


def curvature(eta, y, shape):
    return shape * y * np.exp(-eta)


def cross(eta, shape):
    return -shape * np.exp(-eta)


def mean(eta):
    return np.exp(eta)


def mean_slope(eta):
    return np.exp(eta)


def curvature_bound():
    return np.inf


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="gamma_log",
    summary="gamma family with known shape, log link",
    parameters=(
        Parameter("shape", 0.0, float("inf"), 1.0, "known, not estimated"),
    ),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y", "shape")),
    slope=Formula(slope, ("eta", "y", "shape")),
    curvature=Formula(curvature, ("eta", "y", "shape")),
    cross=Formula(cross, ("eta", "shape")),
    mean=Formula(mean, ("eta",)),
    mean_slope=Formula(mean_slope, ("eta",)),
    curvature_bound=Formula(curvature_bound, ()),
    bound_holds=False,
    support=Formula(support, ()),
    lower=float("-inf"),
    upper=float("inf"),
    canonical=False,
    penalty=None,
    spec=SPEC,
    sources=(
        "Tsuchida, Yong, Armin, Petersson and Ong, Declarative nets that are equilibrium models, ICLR 2022, Appendix A",
    ),
)
