# Generated from derivations/losses/other_links.py by `python -m codegen update`; edit that file, not this one.
"""Negative binomial family with known size, log link."""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "f2ddb11b867c1fd2"


def statistic(y):
    return y


def value(eta, y, size):
    return (size + y) * special.softplus(eta - np.log(size)) - eta * y


def slope(eta, y, size):
    return (size + y) * special.expit(eta - np.log(size)) - y


def curvature(eta, y, size):
    shared_0 = eta - np.log(size)
    return (size + y) * special.expit(-shared_0) * special.expit(shared_0)


def cross(eta, size):
    return special.expit(eta - np.log(size)) - 1.0


def mean(eta):
    return np.exp(eta)


def mean_slope(eta):
    return np.exp(eta)


def curvature_bound(y, size):
    return 0.25 * size + 0.25 * y


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="negative_binomial_log",
    summary="negative binomial family with known size, log link",
    parameters=(
        Parameter("size", 0.0, float("inf"), 1.0, "known, not estimated"),
    ),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y", "size")),
    slope=Formula(slope, ("eta", "y", "size")),
    curvature=Formula(curvature, ("eta", "y", "size")),
    cross=Formula(cross, ("eta", "size")),
    mean=Formula(mean, ("eta",)),
    mean_slope=Formula(mean_slope, ("eta",)),
    curvature_bound=Formula(curvature_bound, ("y", "size")),
    bound_holds=True,
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
