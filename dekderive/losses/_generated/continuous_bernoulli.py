# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Continuous_bernoulli family, canonical link."""

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "34caa75b9c9fbcfa"


def statistic(y):
    return y


def value(eta, y):
    return special.log_exprel(eta) - eta * y


def slope(eta, y):
    return special.tilted_uniform_mean(eta) - y


def curvature(eta):
    return 0.25 * special.langevin_slope(0.5 * eta)


def cross():
    return -1.0


def mean(eta):
    return special.tilted_uniform_mean(eta)


def mean_slope(eta):
    return 0.25 * special.langevin_slope(0.5 * eta)


def curvature_bound():
    return 0.08333333333333333


def support():
    return (
        0.0,
        1.0,
    )


LOSS = Loss(
    name="continuous_bernoulli",
    summary="continuous_bernoulli family, canonical link",
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
