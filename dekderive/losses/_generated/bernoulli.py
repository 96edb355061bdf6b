# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Bernoulli family, canonical link."""

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "534652a0da2c3ed6"


def statistic(y):
    return y


def value(eta, y):
    return y * special.softplus(-eta) + (1.0 - y) * special.softplus(eta)


def slope(eta, y):
    return (1.0 - y) * special.expit(eta) - y * special.expit(-eta)


def curvature(eta):
    return special.expit(-eta) * special.expit(eta)


def cross():
    return -1.0


def mean(eta):
    return special.expit(eta)


def mean_slope(eta):
    return special.expit(-eta) * special.expit(eta)


def curvature_bound():
    return 0.25


def support():
    return (
        0.0,
        1.0,
    )


LOSS = Loss(
    name="bernoulli",
    summary="bernoulli family, canonical link",
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
