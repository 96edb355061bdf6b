# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Von_mises family, canonical link."""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "6137cba5f478ea7e"


def statistic(y):
    return np.cos(y)


def value(eta, y):
    return special.log_i0(eta) - eta * np.cos(y)


def slope(eta, y):
    return special.bessel_ratio(eta) - np.cos(y)


def curvature(eta):
    return special.bessel_ratio_slope(eta)


def cross(y):
    return np.sin(y)


def mean(eta):
    return special.bessel_ratio(eta)


def mean_slope(eta):
    return special.bessel_ratio_slope(eta)


def curvature_bound():
    return 0.5


def support():
    return (
        -1.0,
        1.0,
    )


LOSS = Loss(
    name="von_mises",
    summary="von_mises family, canonical link",
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
    upper=float("inf"),
    canonical=True,
    penalty=None,
    spec=SPEC,
    sources=(
        "Tsuchida, Yong, Armin, Petersson and Ong, Declarative nets that are equilibrium models, ICLR 2022, Theorem 3",
    ),
)
