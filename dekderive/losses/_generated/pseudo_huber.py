# Generated from derivations/losses/other_links.py by `python -m codegen update`; edit that file, not this one.
"""Pseudo-Huber loss of a location."""

import numpy as np

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "d3a6f1585b40d24b"


def statistic(y):
    return y


def value(eta, y, width):
    shared_0 = width * width
    return shared_0 * (np.sqrt(1.0 + (eta - y) ** 2 / shared_0) - 1.0)


def slope(eta, y, width):
    return 0.5 * (2.0 * eta - 2.0 * y) / np.sqrt(1.0 + (eta - y) ** 2 / (width * width))


def curvature(eta, y, width):
    return 1.0 / ((1.0 + (eta - y) ** 2 / (width * width)) * np.sqrt(1.0 + (eta - y) ** 2 / (width * width)))


def cross(eta, y, width):
    return -1.0 / ((1.0 + (eta - y) ** 2 / (width * width)) * np.sqrt(1.0 + (eta - y) ** 2 / (width * width)))


def mean(eta):
    return eta


def mean_slope():
    return 1.0


def curvature_bound():
    return 1.0


def support():
    return (-np.inf, np.inf)


LOSS = Loss(
    name="pseudo_huber",
    summary="pseudo-Huber loss of a location",
    parameters=(
        Parameter("width", 0.0, float("inf"), 1.0, "known, not estimated"),
    ),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y", "width")),
    slope=Formula(slope, ("eta", "y", "width")),
    curvature=Formula(curvature, ("eta", "y", "width")),
    cross=Formula(cross, ("eta", "y", "width")),
    mean=Formula(mean, ("eta",)),
    mean_slope=Formula(mean_slope, ()),
    curvature_bound=Formula(curvature_bound, ()),
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
