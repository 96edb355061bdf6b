# Generated from derivations/losses/other_links.py by `python -m codegen update`; edit that file, not this one.
"""Tweedie (compound Poisson-gamma) family with known power between 1 and 2, log link."""

import numpy as np

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "ca87e87da33cfd87"


def statistic(y):
    return y


def value(eta, y, power):
    shared_0 = 2.0 - power
    shared_1 = 1.0 - power
    return np.exp(eta * shared_0) / shared_0 - y * np.exp(eta * shared_1) / shared_1


def slope(eta, y, power):
    return np.exp(eta * (2.0 - power)) - y * np.exp(eta * (1.0 - power))


def curvature(eta, y, power):
    shared_0 = 2.0 - power
    shared_1 = 1.0 - power
    return shared_0 * np.exp(eta * shared_0) - shared_1 * y * np.exp(eta * shared_1)


def cross(eta, power):
    return -np.exp(eta * (1.0 - power))


def mean(eta):
    return np.exp(eta)


def mean_slope(eta):
    return np.exp(eta)


def curvature_bound():
    return np.inf


def support():
    return (0.0, np.inf)


LOSS = Loss(
    name="tweedie_log",
    summary="Tweedie (compound Poisson-gamma) family with known power between 1 and 2, log link",
    parameters=(
        Parameter("power", 1.0, 2.0, 1.5, "variance = mean^power"),
    ),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y", "power")),
    slope=Formula(slope, ("eta", "y", "power")),
    curvature=Formula(curvature, ("eta", "y", "power")),
    cross=Formula(cross, ("eta", "power")),
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
