# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Langevin family, canonical link."""

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "f2e1fe940221c00f"


def statistic(y):
    return y


def value(eta, y):
    return special.log_sinhc(eta) - eta * y


def slope(eta, y):
    return special.langevin(eta) - y


def curvature(eta):
    return special.langevin_slope(eta)


def cross():
    return -1.0


def mean(eta):
    return special.langevin(eta)


def mean_slope(eta):
    return special.langevin_slope(eta)


def curvature_bound():
    return 0.3333333333333333


def support():
    return (
        -1.0,
        1.0,
    )


LOSS = Loss(
    name="langevin",
    summary="langevin family, canonical link",
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
